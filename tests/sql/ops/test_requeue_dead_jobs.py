"""gtr_jobs.requeue_dead_jobs(): dead jobs are tried again, and nothing is sent twice."""

from __future__ import annotations

from typing import Literal

import psycopg
import pytest
from psycopg import AsyncConnection
from support.dead import NOTE, bury, let_die, read_audit, read_states, requeue
from support.jobs import ack, claim, end_of, fetch_rows, fetch_value, register_worker


async def test_what_nobody_took_is_sent_again_and_what_was_taken_is_not(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Refused or given up: open again. Sent, skipped, too old, to a device that is gone: as it was."""
    died = await let_die(
        admin,
        worker,
        ("sent", "accepted"),
        ("failed", "rejected"),
        ("failed", "retry"),
        ("failed", "throttled"),
        ("failed", "misconfigured"),
        ("failed", "dead_target"),
        ("skipped", "skipped"),
        ("expired", "expired"),
        ("unknown", "ambiguous"),
    )
    assert await requeue(admin, [died.job.job_id]) == (1, 4)
    assert {name: state for name, (state, _, _) in (await read_states(admin, died)).items()} == {
        "sent accepted": "sent",
        "failed rejected": "queued",
        "failed retry": "queued",
        "failed throttled": "queued",
        "failed misconfigured": "queued",
        "failed dead_target": "failed",
        "skipped skipped": "skipped",
        "expired expired": "expired",
        # Open as it is: it may have been sent, and that is known when it is sent again.
        "unknown ambiguous": "unknown",
    }


async def test_other_jobs_deliveries_are_left_alone(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Of the same day, kind and fate."""
    died = await let_die(admin, worker, ("failed", "retry"))
    other = await let_die(admin, worker, ("failed", "retry"))
    await requeue(admin, [died.job.job_id])
    assert await read_states(admin, other) == {"failed retry": ("failed", "retry", "")}


async def test_a_requeued_job_can_end_and_die_again(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Its second death is written as the first was; so is its good end, once."""
    died = await let_die(admin, worker, ("failed", "retry"))
    worker_id = await register_worker(worker)
    ends: tuple[Literal["dead", "done"], ...] = ("dead", "done")
    for ended in ends:
        assert (await requeue(admin, [died.job.job_id]))[0] == 1
        (job,) = await claim(worker, worker_id)
        assert await ack(worker, worker_id, end_of(job, ended)) == {died.job.job_id}
        assert await fetch_rows(admin, "select job_id, ended::text from gtr_jobs.job_history") == [
            (died.job.job_id, ended)
        ]
    assert await fetch_value(admin, "select count(*) from gtr_jobs.dead_jobs") == 0


async def test_what_is_no_longer_dead_is_left_out(admin: AsyncConnection) -> None:
    """Two operators at once requeue a job once; the audit names what each really did."""
    first, second = await bury(admin, 2)
    assert await requeue(admin, [first]) == (1, 0)
    assert await requeue(admin, [first, second, 999]) == (1, 0)
    assert await requeue(admin, [first, second]) == (0, 0)
    assert await read_audit(admin) == [
        ("ann@desk", "postgres", "requeue", "keys were renewed", 1, [first]),
        ("ann@desk", "postgres", "requeue", "keys were renewed", 1, [second]),
    ]


async def test_the_audit_says_what_they_had_died_of(admin: AsyncConnection) -> None:
    """Afterwards they are not on the list any more, and nothing else would know."""
    ids = await bury(admin, 2) + await bury(admin, code="BadTopic", fingerprint="cafe")
    await requeue(admin, ids)
    assert await fetch_value(admin, "select detail from gtr_jobs.audit") == {
        "causes": [
            {"kind": "message", "code": "UNAVAILABLE", "fingerprint": "f00d", "jobs": 2},
            {"kind": "message", "code": "BadTopic", "fingerprint": "cafe", "jobs": 1},
        ],
        "deliveries": 0,
    }


async def test_an_act_that_cannot_be_written_down_does_not_happen(admin: AsyncConnection) -> None:
    """Act and audit are one transaction."""
    (job_id,) = await bury(admin)
    with pytest.raises(psycopg.errors.CheckViolation):
        await admin.execute(
            "select gtr_jobs.requeue_dead_jobs(%s, 0, 1, %s, %s, '', '{}')",
            ([job_id], NOTE[0], NOTE[1]),
        )
    assert await fetch_value(admin, "select job_id from gtr_jobs.dead_jobs") == job_id


async def test_a_call_takes_a_thousand(admin: AsyncConnection) -> None:
    """More are refused: locks and transactions stay short."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await requeue(admin, list(range(1001)))
