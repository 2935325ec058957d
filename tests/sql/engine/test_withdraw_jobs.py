"""gtr_jobs.withdraw_jobs(): waiting jobs leave the queue with their history."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import ack, claim, delivery_of, end_of, fetch_rows, fetch_value, put_jobs
from support.jobs import register_worker as register

WITHDRAW = "select gtr_jobs.withdraw_jobs(%s)"
HISTORY = "select job_id, ended::text, attempts from gtr_jobs.job_history order by job_id"


async def test_jobs_that_are_ready_or_for_later_leave(admin: AsyncConnection) -> None:
    """The history says that they were cancelled; nothing is left to claim."""
    await put_jobs(admin)
    await put_jobs(admin, run_at=datetime.now(UTC) + timedelta(hours=1))
    ids = await fetch_value(admin, "select array_agg(job_id order by job_id) from gtr_jobs.jobs")
    assert await fetch_value(admin, WITHDRAW, ids) == ids
    assert await fetch_rows(admin, "select 1 from gtr_jobs.jobs") == []
    assert await fetch_rows(admin, HISTORY) == [(job_id, "cancelled", 0) for job_id in ids]


async def test_what_waited_for_another_attempt_gets_none(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Its open deliveries are skipped with the reason; what may have been sent stays unknown."""
    await put_jobs(admin)
    worker_id = await register(worker)
    (job,) = await claim(worker, worker_id)
    deliveries = [
        delivery_of(job, state="queued", outcome="retry", code="UNAVAILABLE"),
        delivery_of(job, state="unknown", outcome="ambiguous", code="reset"),
        delivery_of(job),
    ]
    await ack(worker, worker_id, end_of(job, "retry", delay=60), deliveries=deliveries)
    assert await fetch_value(admin, WITHDRAW, [job.job_id]) == [job.job_id]
    assert sorted(
        await fetch_rows(admin, "select state::text, outcome::text, code from gtr_jobs.deliveries")
    ) == [
        ("sent", "accepted", ""),
        ("skipped", "skipped", "cancelled"),
        ("unknown", "ambiguous", "reset"),
    ]


async def test_a_job_that_is_claimed_meanwhile_is_left_to_its_worker(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """It waits for the claim's end and sees it: nothing that may be sending is taken away."""
    await put_jobs(admin)
    worker_id = await register(worker)
    async with worker.transaction():
        (job,) = await claim(worker, worker_id)
        async with await database.connect_async() as other:
            withdrawing = asyncio.create_task(fetch_value(other, WITHDRAW, [job.job_id]))
            waits = "select count(*) from pg_locks where not granted and pid = %s"
            while not await fetch_value(admin, waits, other.info.backend_pid):
                assert not withdrawing.done()
            await worker.execute("commit and chain")
            assert await withdrawing == []
    assert await fetch_rows(admin, "select job_id, status::text from gtr_jobs.jobs") == [
        (job.job_id, "doing")
    ]
