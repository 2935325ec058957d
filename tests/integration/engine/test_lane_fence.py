"""A worker that is cut off, given up, or on a restored database begins nothing new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from psycopg import AsyncConnection
from support.engine import PATIENCE_SECONDS, Batches, Engine
from support.jobs import fetch_rows, fetch_value, put_jobs

from gtr_jobs.engine import lane as lane_module
from gtr_jobs.engine import membership as membership_module
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.queue import Ack
from gtr_jobs.tasks.one_by_one import one_by_one

DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"
STATES = "select status::text, attempts, lost_claims from gtr_jobs.jobs"


def _cut_off(engine: Engine) -> None:
    engine.context.membership._beat_at -= membership_module.FENCE_SECONDS


async def test_a_worker_whose_heartbeat_is_not_taken_claims_nothing(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """Until it is: then it goes on."""
    _cut_off(engine)
    engine.start_lane(batches)
    await put_jobs(admin, 2)
    await asyncio.sleep(1.5)
    assert await fetch_rows(admin, STATES) == [("todo", 0, 0)] * 2
    engine.start(engine.context.membership.run())
    await engine.until(DONE, 2)


async def test_what_was_claimed_and_not_begun_is_handed_back(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """A batch that a cut-off came between, and jobs that waited for their turn: no attempt is used."""
    begun: list[Job] = []

    async def do(job: Job, _: object) -> Done:
        begun.append(job)
        _cut_off(engine)
        return Done()

    batches.do = one_by_one(do, engine.context.log)
    await put_jobs(admin, 3)
    engine.start_lane(batches)
    await engine.until(DONE, 1)
    await engine.context.acker.drain()
    assert len(begun) == 1
    assert await fetch_rows(admin, STATES) == [("todo", 0, 0)] * 2


async def test_a_handler_outside_a_lane_may_send() -> None:
    """Nobody has set a fence there."""
    assert may_send_now()


async def test_what_runs_is_dropped_when_the_worker_was_given_up(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """It learns so with its next heartbeat: its jobs are others' by now, and it goes no further with them."""
    cancelled = asyncio.Event()

    async def work(jobs: Sequence[Job], finish: Finish) -> None:
        if jobs[0].claim_number > 1:
            for job in jobs:
                finish(Ack(job, Done()))
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert may_send_now()  # the fence is up again: only being dropped stops it
            cancelled.set()
            raise

    batches.do = work
    await put_jobs(admin)
    engine.start_lane(batches)
    await batches.wait_for(1)
    await admin.execute("delete from procrastinate.procrastinate_workers where true")
    engine.start(engine.context.membership.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await cancelled.wait()
    # Nobody holds it on the register: it is rescued, and done.
    await engine.until(DONE, 1)
    assert [job.claim_number for job in batches.jobs] == [1, 2]


@pytest.mark.parametrize("sends", [True, False])
async def test_a_restored_database_pauses_lanes_that_send(
    engine: Engine, admin: AsyncConnection, batches: Batches, sends: bool
) -> None:
    """And no others; when an operator has seen to it they go on."""
    await admin.execute("update gtr_jobs.lineage set timeline = 77 where true")
    engine.start(engine.context.membership.run())
    await engine.until_said("database.sending_paused")
    await put_jobs(admin)
    engine.start_lane(batches, sends=sends)
    if not sends:
        await engine.until(DONE, 1)
        return
    await asyncio.sleep(1.5)
    assert await fetch_value(admin, DONE) == 0
    assert engine.metric("gtr_db_timeline_changed") == 1
    await admin.execute(
        "select gtr_jobs.acknowledge_lineage(gen_random_uuid(), 'ann', 'looked', '{}')"
    )
    await engine.until(DONE, 1)
    assert engine.metric("gtr_db_timeline_changed") == 0


async def test_what_the_database_says_and_the_worker_knows_is_compared_while_it_works(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a lane that is full: a claim of its own that it never learned of is released, and nothing else."""
    monkeypatch.setattr(lane_module, "COMPARE_SECONDS", 0.1)
    may_end = asyncio.Event()

    async def work(jobs: Sequence[Job], finish: Finish) -> None:
        await may_end.wait()
        for job in jobs:
            finish(Ack(job, Done()))

    batches.do = work
    await put_jobs(admin, 4)
    engine.start_lane(batches, limit=4)
    await batches.wait_for(4)
    await put_jobs(admin, 3)
    lost = await engine.context.queue.claim_jobs("push", engine.context.membership.worker_id, 3)
    assert len(lost) == 3
    await engine.until_said("jobs.unowned")
    assert engine.events("jobs.unowned") == [{"queue": "push", "released": 3}]
    may_end.set()
    await engine.until(DONE, 7)
    assert sorted(job.claim_number for job in batches.jobs) == [1] * 4 + [2] * 3
    async with asyncio.timeout(PATIENCE_SECONDS):
        while engine.metric("gtr_jobs_doing_unowned", queue="push"):
            await asyncio.sleep(0.01)
