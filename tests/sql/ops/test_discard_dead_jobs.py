"""gtr_jobs.discard_dead_jobs(): dead jobs leave the list for good."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.dead import bury, discard, let_die, read_audit, read_states, requeue
from support.jobs import fetch_rows, fetch_value


async def test_a_discarded_job_is_gone_and_not_forgotten(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """It is on no list and in no queue; the history says that it died, the audit who discarded it."""
    died = await let_die(admin, worker)
    job_id = died.job.job_id
    assert await discard(admin, [job_id]) == 1
    assert await fetch_rows(admin, "select 1 from gtr_jobs.dead_jobs") == []
    assert await fetch_rows(admin, "select 1 from gtr_jobs.jobs") == []
    assert await fetch_rows(admin, "select job_id, ended::text from gtr_jobs.job_history") == [
        (job_id, "dead")
    ]
    assert await read_audit(admin) == [
        ("ann@desk", "postgres", "discard", "keys were renewed", 1, [job_id])
    ]


async def test_nothing_waits_for_a_job_that_is_gone(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """An open delivery is skipped, with the reason; what may have been sent stays unknown."""
    died = await let_die(
        admin, worker, ("queued", "retry"), ("unknown", "ambiguous"), ("sent", "accepted")
    )
    await discard(admin, [died.job.job_id])
    assert await read_states(admin, died) == {
        "queued retry": ("skipped", "skipped", "discarded"),
        "unknown ambiguous": ("unknown", "ambiguous", ""),
        "sent accepted": ("sent", "accepted", ""),
    }


async def test_only_what_is_dead_is_discarded(admin: AsyncConnection) -> None:
    """A job that was requeued in the meantime lives on; where nothing was done, nothing is written."""
    job_ids = await bury(admin)
    await requeue(admin, job_ids)
    assert await discard(admin, [*job_ids, 999]) == 0
    assert await fetch_value(admin, "select count(*) from gtr_jobs.jobs") == 1
    assert [row[2] for row in await read_audit(admin)] == ["requeue"]


async def test_a_call_takes_a_thousand(admin: AsyncConnection) -> None:
    """More are refused: locks and transactions stay short."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await discard(admin, list(range(1001)))
