"""A lane that finds nothing sleeps, and is woken by an insert, by its own next look, or by the end."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection
from support.engine import PATIENCE_SECONDS, Batches, Engine
from support.jobs import fetch_rows, put_jobs

from gtr_jobs.engine import lane as lane_module

DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"


@pytest.fixture
def rare_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that are a minute apart: what happens before was not found by looking."""
    monkeypatch.setattr(lane_module, "_LOOK_AGAIN_SECONDS", (60.0,))
    monkeypatch.setattr(lane_module, "_POLL_SECONDS", 60.0)


async def test_a_sleeping_lane_is_woken_by_an_insert(
    engine: Engine, admin: AsyncConnection, batches: Batches, rare_looks: None
) -> None:
    """It does not wait for its next look, which here is a minute away."""
    await engine.until_it_listens()
    engine.start_lane(batches)
    await engine.until_asleep()
    for count in (1, 2, 3):
        await put_jobs(admin)
        await batches.wait_for(count)
        await engine.until(DONE, count)
        await engine.until_asleep()


async def test_a_call_that_was_lost_costs_a_second(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """Nobody is known to sleep, so nobody is called; the lane looks again by itself."""
    engine.start_lane(batches)
    await engine.until_asleep()
    await admin.execute("delete from gtr_jobs.sleeping_workers where true")
    began = asyncio.get_running_loop().time()
    await put_jobs(admin)
    await batches.wait_for(1)
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_lane_that_stops_claims_nothing_more(
    engine: Engine, admin: AsyncConnection, batches: Batches, rare_looks: None
) -> None:
    """Told to stop while it sleeps, it wakes, says so, and ends."""
    await engine.until_it_listens()
    lane, running = engine.start_lane(batches)
    await engine.until_asleep()
    engine.stopping.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running
    await put_jobs(admin)
    await lane.finish(0, asyncio.Event())
    assert batches.seen == []
    assert await fetch_rows(admin, "select status::text, attempts from gtr_jobs.jobs") == [
        ("todo", 0)
    ]
    assert await fetch_rows(admin, "select * from gtr_jobs.sleeping_workers") == []
