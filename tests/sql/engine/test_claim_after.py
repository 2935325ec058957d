"""gtr_jobs.claim_jobs_after(): what is behind a front, and nothing of what lies before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import claim, fetch_rows, put_jobs, register_worker
from support.scans import reads_of

NOW = datetime.now(UTC)


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def _claim_after(
    connection: AsyncConnection,
    worker_id: int,
    ready: Mapping[int, int],
    due: datetime | None = None,
    limit: int = 100,
) -> list[int]:
    rows = await fetch_rows(
        connection,
        "select job_id from gtr_jobs.claim_jobs_after('push', %s, %s, %s::integer[], %s::bigint[], %s)",
        worker_id,
        limit,
        list(ready),
        list(ready.values()),
        due,
    )
    return [job_id for (job_id,) in rows]


async def test_jobs_before_the_front_are_left(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Ready ones by number, for each priority its own; those that fell due by when."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('urgent', 'push', 'test', 5, 3)"
    )
    await put_jobs(admin, 3)
    await put_jobs(admin, 3, kind="urgent")
    for hours in (3, 2, 1):
        await put_jobs(admin, run_at=NOW - timedelta(hours=hours))
    numbers = [n for (n,) in await fetch_rows(admin, "select job_id from gtr_jobs.jobs order by 1")]
    normal, urgent, due = numbers[:3], numbers[3:6], numbers[6:]
    front = {0: normal[0], 5: urgent[1]}
    claimed = await _claim_after(worker, worker_id, front, NOW - timedelta(hours=2))
    # In the order of their priorities: what fell due has that of its kind.
    assert claimed == [urgent[2], normal[1], normal[2], due[2]]
    assert [job.job_id for job in await claim(worker, worker_id)] == [
        urgent[0],
        urgent[1],
        normal[0],
        due[0],
        due[1],
    ]


async def test_the_limit_counts_all_priorities_together(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The urgent first, and no more than were asked for."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('urgent', 'push', 'test', 5, 3)"
    )
    await put_jobs(admin, 5)
    await put_jobs(admin, 5, kind="urgent")
    assert await _claim_after(worker, worker_id, {0: 0, 5: 0}, limit=7) == [6, 7, 8, 9, 10, 1, 2]
    assert await _claim_after(worker, worker_id, {0: 0, 5: 0}, limit=7) == [3, 4, 5]


async def test_what_others_may_still_see_is_not_stepped_over(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, database: ProjectDatabase
) -> None:
    """While an old transaction is open nothing that was claimed can be cleaned up: it lies before the front."""
    async with await database.connect_async("postgres") as reader, reader.transaction():
        await reader.execute("set transaction isolation level repeatable read")
        await reader.execute("select count(*) from gtr_jobs.jobs")
        await put_jobs(admin, 2000)
        for _ in range(2):
            jobs = await claim(worker, worker_id, 1000)
            await worker.execute(
                "select gtr_jobs.ack_done_jobs(%s, %s::bigint[], %s::bigint[])",
                (worker_id, [job.job_id for job in jobs], [1] * len(jobs)),
            )
        front = jobs[-1].job_id
        await put_jobs(admin, 10)
        after = "select gtr_jobs.claim_jobs_after('push', %s, 5, '{0}', %s::bigint[], null)"
        behind_it = await reads_of(admin, after, worker_id, [front])
        whole = await reads_of(admin, "select gtr_jobs.claim_jobs('push', %s, 5)", worker_id)
        assert whole.indexes["procrastinate.gtr_jobs_ready"] >= 2000
        assert behind_it.indexes["procrastinate.gtr_jobs_ready"] <= 10
        assert "procrastinate.procrastinate_jobs" not in behind_it.tables
