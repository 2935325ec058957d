"""`gtr-jobs dead requeue` and `dead discard`: shown first, asked for, written down."""

from __future__ import annotations

import os
import pwd
import socket

import pytest
from psycopg import AsyncConnection
from support.command_line import assert_refused, run_command
from support.databases import ProjectDatabase
from support.dead import bury, discard, let_die, read_audit, read_states
from support.jobs import fetch_rows, fetch_value, put_jobs
from support.operator import operate, operate_at_terminal, target_of

ACTOR = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
BECAUSE = ("--reason", "keys were renewed")


async def _count(admin: AsyncConnection, table: str) -> int:
    return int(await fetch_value(admin, f"select count(*) from gtr_jobs.{table}"))


async def test_without_yes_it_is_a_dry_run(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Where nobody can be asked: what would happen is shown, with the database, and nothing is done."""
    died = await let_die(
        admin, worker, ("failed", "retry"), ("unknown", "ambiguous"), ("sent", "accepted")
    )
    await bury(admin, 2, kind="listing_favorited", fingerprint="cafe", age="100 hours")
    await bury(admin, kind="washing", fingerprint="dead")
    ended = operate(database, "dead", "requeue", "--since", "1d", "--rate", "2", *BECAUSE)
    assert (ended.code, ended.err) == (0, "Nothing was done. Say --yes to requeue.\n")
    first, *_, left_out, deliveries, too_old, pace = ended.out.splitlines()
    assert first == f"{target_of(database)}: would requeue 4 dead jobs"
    assert left_out == "1 job of kind washing left out: no queue takes that kind any more"
    assert deliveries == (
        "deliveries: 1 to send again, 1 that may have been sent already "
        "(sent again under the same collapse id, and marked), 1 settled and left alone"
    )
    assert too_old == "too old: 2 outlived their kind's time to live; for those nothing is sent"
    assert pace == "pace: 2 a second, over 2 s"
    assert (await _count(admin, "dead_jobs"), await _count(admin, "jobs")) == (4, 0)
    assert await read_audit(admin) == []
    assert (await read_states(admin, died))["failed retry"] == ("failed", "retry", "")


async def test_with_yes_it_is_done_and_written_down(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Who, as which role, why, what was asked for, and to which jobs."""
    died = await let_die(admin, worker, ("failed", "retry"), ("sent", "accepted"))
    job_id = died.job.job_id
    ended = operate(database, "dead", "requeue", str(job_id), "--yes", *BECAUSE)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "Requeued 1, with 1 deliveries to send again."
    assert await fetch_rows(admin, "select job_id, attempts from gtr_jobs.jobs") == [(job_id, 0)]
    assert await read_audit(admin) == [
        (ACTOR, "postgres", "requeue", "keys were renewed", 1, [job_id])
    ]
    assert await fetch_value(admin, "select wanted from gtr_jobs.audit") == {
        "ids": [job_id],
        "rate": 100,
    }


async def test_many_are_done_in_parts_under_one_name(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """A thousand a transaction, one run; they fall due at the pace that was asked for, oldest first."""
    ids = await bury(admin, 2500)
    ended = operate(
        database, "dead", "requeue", "--kind", "message", "--rate", "50", "--yes", *BECAUSE
    )
    assert ended.code == 0
    assert ended.err.splitlines() == ["1000 of 2500", "2000 of 2500"]
    assert await fetch_rows(
        admin,
        "select job_count, count(*) over (partition by run_id) from gtr_jobs.audit order by id",
    ) == [(1000, 3), (1000, 3), (500, 3)]
    assert (
        await fetch_value(
            admin, "select array_agg(job_id order by scheduled_at) from gtr_jobs.jobs"
        )
        == ids
    )
    span = "select extract(epoch from max(scheduled_at) - min(scheduled_at)) from gtr_jobs.jobs"
    assert 49 < float(await fetch_value(admin, span)) < 60


async def test_discarded_jobs_are_gone(admin: AsyncConnection, database: ProjectDatabase) -> None:
    """Those that were asked for, and no others."""
    (kept,) = await bury(admin)
    (gone,) = await bury(admin, code="BadTopic", fingerprint="cafe")
    by = ("--fingerprint", "cafe")
    shown = operate(database, "dead", "discard", *by, *BECAUSE)
    assert shown.out.splitlines()[0] == f"{target_of(database)}: would discard 1 dead job"
    assert await _count(admin, "dead_jobs") == 2
    ended = operate(database, "dead", "discard", *by, "--yes", *BECAUSE)
    assert ended.out.splitlines()[-1] == "Discarded 1."
    assert await fetch_rows(admin, "select job_id from gtr_jobs.dead_jobs") == [(kept,)]
    assert await read_audit(admin) == [
        (ACTOR, "postgres", "discard", "keys were renewed", 1, [gone])
    ]


@pytest.mark.parametrize(
    ("count", "typed", "is_done"),
    [
        (2, "y\n", True),
        (2, "\n", False),
        (2, "\x04", False),
        (101, "y\n", False),
        (101, "102\n", False),
        (101, "101\n", True),
    ],
)
async def test_somebody_at_a_terminal_is_asked(
    admin: AsyncConnection, database: ProjectDatabase, count: int, typed: str, is_done: bool
) -> None:
    """A few: yes or no. More than a hundred: their number, which nobody types by habit."""
    await bury(admin, count)
    ended = operate_at_terminal(
        database, "dead", "discard", "--kind", "message", *BECAUSE, typed=typed
    )
    question = f"Type {count} to discard them: " if count > 100 else "Really discard? [y/N] "
    assert question in ended.out
    assert (ended.code, await _count(admin, "dead_jobs")) == ((0, 0) if is_done else (1, count))
    assert ("Nothing was done." in ended.out) == (not is_done)


async def test_nobody_found_is_nothing_done(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """And no error: what was to be done is done."""
    await bury(admin)
    ended = operate(database, "dead", "requeue", "--error-like", "nowhere", "--yes", *BECAUSE)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{target_of(database)}: would requeue 0 dead jobs\n"
    assert await read_audit(admin) == []


async def test_a_kind_that_is_no_longer_known_cannot_be_requeued(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """It is named, with what can be done instead."""
    await bury(admin, kind="washing")
    ended = operate(database, "dead", "requeue", "--kind", "washing", "--yes", *BECAUSE)
    assert ended.code == 1
    assert ended.err == (
        "gtr-jobs: no queue takes jobs of kind washing any more: they can be discarded\n"
    )


async def test_ids_of_what_is_not_dead_are_refused(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """All or nothing: a stranger among them, one that waits, one that was discarded."""
    died = await let_die(admin, worker)
    await discard(admin, [died.job.job_id])
    (dead,) = await bury(admin)
    await put_jobs(admin)
    waiting = await fetch_value(admin, "select job_id from gtr_jobs.jobs")
    yes = ("--yes", *BECAUSE)
    assert_refused(operate(database, "dead", "requeue", "777", str(dead), *yes), 1, "no job 777")
    assert_refused(
        operate(database, "dead", "requeue", str(dead), str(waiting), str(died.job.job_id), *yes),
        2,
        f"job {waiting} is ready, {died.job.job_id} is discarded",
    )
    assert await _count(admin, "dead_jobs") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "which jobs?"),
        (("1", "--kind", "message"), "not both"),
        (("--kind", "mesage"), "did you mean message?"),
    ],
)
@pytest.mark.parametrize("act", ["requeue", "discard"])
def test_jobs_that_are_not_named_well_are_wrong_usage(
    database: ProjectDatabase, act: str, options: tuple[str, ...], said: str
) -> None:
    """Nothing is meant by saying nothing, or two things."""
    assert_refused(operate(database, "dead", act, *options, *BECAUSE, "--yes"), 2, said)


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_a_reason_is_required(reason: tuple[str, ...]) -> None:
    """The audit wants to know why."""
    ended = run_command("dead", "requeue", "1", *reason)
    assert (ended.code, ended.out) == (2, "")
    assert "--reason" in ended.err


def test_another_database_than_the_settings_say_is_refused(database: ProjectDatabase) -> None:
    """Whoever works on staging does not requeue in production by a wrong address."""
    ended = operate(
        database, "dead", "discard", "1", "--yes", *BECAUSE, GTR_ENVIRONMENT="production"
    )
    assert_refused(ended, 78, "GTR_ENVIRONMENT is 'production'", "says that it is 'test'")


def test_a_database_without_gtr_jobs_says_what_to_run(bare_database: ProjectDatabase) -> None:
    """Also one whose gtr_jobs is older than the command."""
    ended = operate(bare_database, "dead", "list")
    assert_refused(ended, 78, "not installed there", "gtr-jobs db migrate")


def test_without_an_address_there_is_nothing_to_act_on() -> None:
    """The setting is named; the worker's own would not do."""
    assert_refused(run_command("queues"), 78, "GTR_ADMIN_DATABASE_URL is not set")
