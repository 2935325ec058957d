"""gtr_jobs.read_workers(): who drains the queues."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.jobs import claim, fall_silent, fetch_rows, put_jobs, register_worker

WORKERS = "select worker_id, round(silent_seconds / 10)::integer, jobs from gtr_jobs.read_workers()"


async def test_workers_come_with_their_heartbeat_and_what_they_hold(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """The liveliest first; one that is silent is still on the list until its jobs are rescued."""
    assert await fetch_rows(admin, WORKERS) == []
    await put_jobs(admin, 3)
    silent, busy = await register_worker(worker), await register_worker(worker)
    await claim(worker, busy, 2)
    await claim(worker, silent, 1)
    await fall_silent(admin, silent, 70)
    assert await fetch_rows(admin, WORKERS) == [(busy, 0, 2), (silent, 7, 1)]
