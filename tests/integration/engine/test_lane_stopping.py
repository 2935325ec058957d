"""A lane that is told to stop claims nothing more, whatever it was doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psycopg import AsyncConnection
from support.engine import Batches, Engine
from support.jobs import count_jobs, fetch_rows, put_jobs

from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.queue import Ack


async def test_a_lane_that_waited_for_room_claims_nothing_more(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Its jobs end just as it is told to stop: the room that comes free stays empty."""
    await put_jobs(admin, 30)
    let_go = asyncio.Event()
    batches = Batches()

    async def hold(jobs: Sequence[Job], finish: Finish) -> None:
        await let_go.wait()
        for job in jobs:
            finish(Ack(job, Done()))

    batches.do = hold
    lane, running = engine.start_lane(batches, limit=10)
    await batches.wait_for(10)

    engine.stopping.set()
    let_go.set()
    await running
    await lane.finish(5.0, asyncio.Event())
    await engine.context.acker.drain()

    assert len(batches.jobs) == 10
    assert await count_jobs(admin) == 20


async def test_a_lane_claims_nothing_after_it_was_told_however_it_slept(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """Told between two claims, with the word that it sleeps already on its way."""
    fall_asleep = engine.context.queue.fall_asleep

    async def be_told(queue: str, worker_id: int) -> None:
        await fall_asleep(queue, worker_id)
        await put_jobs(admin, 5)
        engine.stopping.set()

    engine.context.queue.fall_asleep = be_told  # type: ignore[method-assign]
    _, running = engine.start_lane(batches)
    await running

    assert batches.jobs == []
    assert await count_jobs(admin) == 5


async def test_a_batch_that_is_broken_off_before_its_first_step_goes_back_untouched(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """Nothing of it was begun: it is neither maybe sent nor left to be rescued."""
    await put_jobs(admin, 3)
    lane, running = engine.start_lane(batches)
    running.cancel()
    jobs = await engine.context.queue.claim_jobs("push", engine.context.membership.worker_id, 10)

    lane._batches.take(jobs)
    lane._batches.start(jobs)
    await lane.finish(0.0, asyncio.Event())
    await engine.context.acker.drain()

    assert batches.jobs == []
    assert (
        await fetch_rows(admin, "select status::text, lost_claims, attempts from gtr_jobs.jobs")
        == [("todo", 0, 0)] * 3
    )
