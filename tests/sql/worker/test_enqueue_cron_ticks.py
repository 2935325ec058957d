"""Each tick of a cron line is enqueued once, by the clock of the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import ack, claim, end_of, fetch_rows, fetch_value, register_worker

HOUR = timedelta(hours=1)


@pytest.fixture
async def start(admin: AsyncConnection, worker: AsyncConnection) -> datetime:
    """A full hour four hours ago, up to which the line `report` was dealt with."""
    await worker.execute("select gtr_jobs.watch_cron('{report}')")
    now: datetime = await fetch_value(admin, "select now()")
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - 4 * HOUR
    await admin.execute("update gtr_jobs.cron set passed_at = %s", (start,))
    return start


async def _enqueue(
    connection: AsyncConnection, ticks: list[datetime], kind: str = "maintenance"
) -> int | None:
    count: int | None = await fetch_value(
        connection,
        "select gtr_jobs.enqueue_cron_ticks('report', %s, %s::timestamptz[], %s)",
        kind,
        ticks,
        ticks[-1],
    )
    return count


async def _ticks(admin: AsyncConnection) -> list[datetime]:
    rows = await fetch_rows(admin, "select args->>'tick' from gtr_jobs.jobs order by job_id")
    return [datetime.fromisoformat(tick) for (tick,) in rows]


async def test_a_new_line_counts_from_now_on(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """It is remembered, and what was before is not made good."""
    ((name, passed_at, read_at),) = await fetch_rows(
        worker, "select name, passed_at, read_at from gtr_jobs.watch_cron('{report}')"
    )
    assert name == "report"
    assert read_at - passed_at < timedelta(seconds=10)
    assert await fetch_rows(worker, "select passed_at from gtr_jobs.watch_cron('{report}')") == [
        (passed_at,)
    ]
    assert await _ticks(admin) == []


async def test_ticks_become_jobs_in_their_order(
    admin: AsyncConnection, worker: AsyncConnection, start: datetime
) -> None:
    """One a tick, that says which line and which tick; the line remembers the last."""
    ticks = [start + HOUR, start + 2 * HOUR]
    assert await _enqueue(worker, ticks) == 2
    assert await _ticks(admin) == ticks
    assert (
        await fetch_rows(admin, "select queue, kind, args->>'cron' from gtr_jobs.jobs")
        == [("maintenance", "maintenance", "report")] * 2
    )
    assert await fetch_rows(admin, "select passed_at, enqueued_tick from gtr_jobs.cron") == [
        (ticks[-1], ticks[-1])
    ]


async def test_a_tick_whose_job_has_ended_is_not_enqueued_anew(
    admin: AsyncConnection, worker: AsyncConnection, start: datetime
) -> None:
    """The line remembers what the queue has forgotten."""
    assert await _enqueue(worker, [start + HOUR]) == 1
    worker_id = await register_worker(worker)
    (job,) = await claim(worker, worker_id, queue="maintenance")
    await ack(worker, worker_id, end_of(job))
    assert await _enqueue(worker, [start + HOUR]) is None
    assert await _enqueue(worker, [start + HOUR, start + 2 * HOUR]) == 1
    assert await _ticks(admin) == [start + 2 * HOUR]


async def test_of_many_workers_one_enqueues_a_tick(
    admin: AsyncConnection, database: ProjectDatabase, start: datetime
) -> None:
    """They come at the same time, each with what it believes is due."""

    async def come(hours: int) -> int | None:
        async with await database.connect_async("gtr_worker") as connection:
            return await _enqueue(connection, [start + n * HOUR for n in range(1, hours + 1)])

    counts = await asyncio.gather(*(come(1 + n % 3) for n in range(12)))
    assert sum(count or 0 for count in counts) == 3
    assert await _ticks(admin) == [start + n * HOUR for n in (1, 2, 3)]


async def test_who_waits_for_another_finds_the_tick_done(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase, start: datetime
) -> None:
    """And where the other rolls back, it does it itself: no tick is lost between two."""
    for commits, expected in ((False, 1), (True, None)):
        async with await database.connect_async("gtr_worker") as other:
            async with other.transaction(force_rollback=not commits):
                tick = start + (HOUR if not commits else 2 * HOUR)
                assert await _enqueue(other, [tick]) == 1
                waiting = asyncio.create_task(_enqueue(worker, [tick]))
                while not await fetch_value(
                    admin,
                    "select exists (select from pg_locks where pid = %s and not granted)",
                    worker.info.backend_pid,
                ):
                    await asyncio.sleep(0.01)
            assert await waiting == expected
    assert await _ticks(admin) == [start + HOUR, start + 2 * HOUR]


async def test_what_is_still_to_come_is_not_enqueued(
    admin: AsyncConnection, worker: AsyncConnection, start: datetime
) -> None:
    """Whatever a worker's clock says: the database's decides."""
    assert await _enqueue(worker, [start + HOUR, start + 9 * HOUR]) is None
    assert await _ticks(admin) == []


async def test_ticks_that_are_left_out_are_dealt_with_too(
    admin: AsyncConnection, worker: AsyncConnection, start: datetime
) -> None:
    """A policy may enqueue none: nobody does it later."""
    assert (
        await fetch_value(
            worker,
            "select gtr_jobs.enqueue_cron_ticks('report', 'maintenance', '{}', %s)",
            start + HOUR,
        )
        == 0
    )
    assert await _enqueue(worker, [start + HOUR]) is None
    assert await fetch_rows(admin, "select passed_at, enqueued_tick from gtr_jobs.cron") == [
        (start + HOUR, None)
    ]


async def test_a_line_whose_kind_is_gone_waits(
    admin: AsyncConnection, worker: AsyncConnection, start: datetime
) -> None:
    """An older worker beside a newer app does not fail for it, and forgets no tick of it."""
    assert await _enqueue(worker, [start + HOUR], kind="of_yesterday") is None
    assert await _enqueue(worker, [start + HOUR]) == 1
    assert await _ticks(admin) == [start + HOUR]
