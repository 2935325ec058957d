"""gtr_jobs.cancel_jobs(): waiting jobs leave their queue, and who wanted it is written down."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.dead import NOTE, read_audit
from support.jobs import claim, fetch_rows, fetch_value, put_jobs, register_worker

CANCEL = "select gtr_jobs.cancel_jobs(%s::bigint[], %s, %s, %s, %s::jsonb)"


async def test_what_waits_is_cancelled_and_what_is_done_is_not(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """The answer names those that were cancelled; so does the audit."""
    await put_jobs(admin, 2)
    (doing,) = await claim(worker, await register_worker(worker), 1)
    ids = [row[0] for row in await fetch_rows(admin, "select job_id from gtr_jobs.jobs order by 1")]
    (waiting,) = set(ids) - {doing.job_id}
    assert await fetch_value(admin, CANCEL, [*ids, 999], *NOTE) == [waiting]
    assert await fetch_rows(admin, "select job_id from gtr_jobs.jobs") == [(doing.job_id,)]
    assert await read_audit(admin) == [
        ("ann@desk", "postgres", "cancel", "keys were renewed", 1, [waiting])
    ]


async def test_where_nothing_waits_nothing_is_written(admin: AsyncConnection) -> None:
    """An act that changed nothing is none."""
    assert await fetch_value(admin, CANCEL, [999], *NOTE) == []
    assert await read_audit(admin) == []


async def test_a_call_takes_a_thousand(admin: AsyncConnection) -> None:
    """More are refused: locks and transactions stay short."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await fetch_value(admin, CANCEL, list(range(1001)), *NOTE)
