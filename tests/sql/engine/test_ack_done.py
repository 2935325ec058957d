"""gtr_jobs.ack_done_jobs(): jobs that are done, by the law of gtr_jobs.ack_jobs()."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from psycopg import AsyncConnection
from support.jobs import Claimed, claim, count_jobs, fetch_rows, put_jobs, register_worker

HISTORY = """
    select day, job_id, queue, kind, ended::text, attempts, trace_id
    from gtr_jobs.job_history order by job_id
"""


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def _ack_done(
    connection: AsyncConnection, worker_id: int, jobs: Sequence[Claimed], *, number: int = 0
) -> set[int]:
    rows = await fetch_rows(
        connection,
        "select gtr_jobs.ack_done_jobs(%s, %s::bigint[], %s::bigint[])",
        worker_id,
        [job.job_id for job in jobs],
        [job.claim_number + number for job in jobs],
    )
    return {int(row[0]) for row in rows}


async def test_a_job_that_is_done_leaves_the_queue_and_is_remembered(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Its end and its attempt stand in the history, under the day of its event."""
    await put_jobs(admin, 3)
    jobs = await claim(worker, worker_id, 2)
    assert await _ack_done(worker, worker_id, jobs) == {job.job_id for job in jobs}
    assert await count_jobs(admin) == 1
    assert await fetch_rows(admin, HISTORY) == [
        (job.event_day, job.job_id, "push", "message", "done", 1, job.trace_id) for job in jobs
    ]


async def test_what_is_no_longer_the_claims_is_not_written(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Neither under another number, nor by another worker, nor a second time; its neighbours are."""
    await put_jobs(admin, 3)
    first, second, third = await claim(worker, worker_id)
    assert await _ack_done(worker, worker_id, [first], number=1) == set()
    assert await _ack_done(worker, worker_id + 1, [first]) == set()
    assert await _ack_done(worker, worker_id, [second]) == {second.job_id}
    assert await _ack_done(worker, worker_id, [first, second, third]) == {
        first.job_id,
        third.job_id,
    }
    assert await fetch_rows(admin, "select count(*) from gtr_jobs.job_history") == [(3,)]
