"""`gtr-jobs jobs` and `gtr-jobs queues`: what waits, what is being done, and by whom."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from support.command_line import assert_refused
from support.databases import ProjectDatabase
from support.dead import bury, let_die, read_audit
from support.jobs import ack, claim, end_of, fall_silent, fetch_rows, put_jobs, register_worker
from support.operator import operate, target_of

BECAUSE = ("--reason", "sent by mistake")


async def _ids(admin: AsyncConnection) -> list[int]:
    rows = await fetch_rows(admin, "select job_id from gtr_jobs.jobs order by job_id")
    return [int(row[0]) for row in rows]


async def test_jobs_are_listed_as_they_are_done(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Being done, ready, for later; filters leave the rest out."""
    await put_jobs(admin)
    await put_jobs(admin, run_at=datetime.now(UTC) + timedelta(hours=1))
    await put_jobs(admin, kind="listing_favorited")
    worker_id = await register_worker(worker)
    await claim(worker, worker_id, 1)
    doing, scheduled, ready = await _ids(admin)

    def shown(*options: str) -> list[tuple[int, str]]:
        ended = operate(database, "jobs", "list", "--json", *options)
        assert ended.code == 0, ended.err
        return [(one["job_id"], one["state"]) for one in json.loads(ended.out)]

    assert shown() == [(doing, "doing"), (ready, "ready"), (scheduled, "scheduled")]
    assert shown("--kind", "listing_favorited", "--queue", "push") == [(ready, "ready")]
    assert shown("--state", "scheduled", "--limit", "5") == [(scheduled, "scheduled")]
    head, first, *_ = operate(database, "jobs", "list").out.splitlines()
    assert head.split() == [
        "id",
        "queue",
        "kind",
        "state",
        "attempts",
        "worker",
        "due",
        "enqueued",
    ]
    assert first.split()[:6] == [str(doing), "push", "message", "doing", "0", str(worker_id)]


def test_unknown_names_are_wrong_usage(database: ProjectDatabase) -> None:
    """With the nearest that is known."""
    assert_refused(operate(database, "jobs", "list", "--queue", "psh"), 2, "did you mean push?")
    assert_refused(operate(database, "jobs", "list", "--kind", "messages"), 2, "message?")
    assert operate(database, "jobs", "list", "--state", "dead").code == 2


async def test_a_waiting_job_is_cancelled(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Shown first; then it leaves with history and audit."""
    await put_jobs(admin, 2)
    job_id, other = await _ids(admin)
    shown = operate(database, "jobs", "cancel", str(job_id), *BECAUSE)
    assert shown.out.splitlines()[0] == f"{target_of(database)}: would cancel 1 waiting job"
    assert (shown.code, shown.err) == (0, "Nothing was done. Say --yes to cancel.\n")
    ended = operate(database, "jobs", "cancel", str(job_id), "--yes", *BECAUSE)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "Cancelled 1.")
    assert await _ids(admin) == [other]
    ((_, _, action, reason, count, ids),) = await read_audit(admin)
    assert (action, reason, count, ids) == ("cancel", "sent by mistake", 1, [job_id])
    told = operate(database, "jobs", "show", str(job_id)).out
    assert re.search(r"^state +cancelled$", told, re.MULTILINE)


async def test_only_waiting_jobs_are_cancelled(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """One that is being done, one that is dead, one that is done and one that never was are refused, each in its words."""
    died = await let_die(admin, worker)
    worker_id = await register_worker(worker)
    await put_jobs(admin, 2)
    doing, done = await claim(worker, worker_id)
    await ack(worker, worker_id, end_of(done))
    for job_id, code, said in (
        (doing.job_id, 1, f"is being done by worker {worker_id}"),
        (died.job.job_id, 2, "is dead"),
        (done.job_id, 2, "is done: only waiting jobs can be cancelled"),
        (777, 1, "no job 777"),
    ):
        ended = operate(database, "jobs", "cancel", str(job_id), "--yes", *BECAUSE)
        assert_refused(ended, code, said)
    assert await _ids(admin) == [doing.job_id]
    assert await read_audit(admin) == []


async def test_queues_are_told_with_their_workers(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """How much each holds, how long the oldest has waited, and who is alive."""
    silent, alive = await register_worker(worker), await register_worker(worker)
    await fall_silent(admin, silent)
    await put_jobs(admin, 2)
    await claim(worker, alive, 1)
    await bury(admin)
    text = operate(database, "queues").out
    assert re.search(r"^push +1 +0 +1 +1 +\d+ s$", text, re.MULTILINE)
    told = json.loads(operate(database, "queues", "--json").out)
    (push,) = (one for one in told["queues"] if one["queue"] == "push")
    assert push.pop("oldest_due_seconds") >= 0
    assert push == {"queue": "push", "ready": 1, "scheduled": 0, "doing": 1, "dead": 1}
    assert [(one["worker_id"], one["jobs"]) for one in told["workers"]] == [(alive, 1)]


def test_a_queue_without_workers_says_so(database: ProjectDatabase) -> None:
    """The first thing that an operator wants to know."""
    assert operate(database, "queues").out.splitlines()[-1] == "no worker is alive"
