"""A lane and operators' switches: pauses, limits and rates, on a real queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Batches, Engine, run_engine
from support.jobs import fetch_value, put_jobs
from support.switches import clear_switch, set_switch

from gtr_jobs.engine.batches import Finish, LaneSpec
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.lane import Lane
from gtr_jobs.engine.queue import Ack

LEFT = "select count(*) from gtr_jobs.jobs"
SLEEPING = "select count(*) from gtr_jobs.sleeping_workers"
KINDS = frozenset({"message", "forum_like"})


async def test_a_paused_queue_is_not_claimed_and_nobody_is_to_be_woken(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Jobs wait untouched; the end of the pause lets them all go."""
    await set_switch(admin, "pause", "queue", "push")
    engine.start(engine.context.switchboard.run())
    batches = Batches()
    engine.start_lane(batches)
    await engine.until_said("switches.changed")
    await put_jobs(admin, 20)
    await asyncio.sleep(1.2)  # longer than any poll
    assert batches.jobs == []
    assert await fetch_value(admin, SLEEPING) == 0
    assert await fetch_value(admin, "select max(claim_number) from gtr_jobs.jobs") == 0
    await clear_switch(admin, "pause", "queue", "push")
    assert len(await batches.wait_for(20)) == 20
    await engine.until(LEFT, 0)


async def test_a_lane_that_sleeps_obeys_a_pause(engine: Engine, admin: AsyncConnection) -> None:
    """It stops asking to be woken, and what comes then waits."""
    engine.start(engine.context.switchboard.run())
    batches = Batches()
    engine.start_lane(batches)
    await engine.until_asleep()
    await set_switch(admin, "pause", "queue", "push")
    await engine.until(SLEEPING, 0)
    await put_jobs(admin, 1)
    await engine.until_said("switches.changed")
    await clear_switch(admin, "pause", "queue", "push")
    assert len(await batches.wait_for(1)) == 1


async def test_a_paused_channel_is_not_claimed_for(engine: Engine, admin: AsyncConnection) -> None:
    """Nothing of the queue is begun where all of it would go out that way."""
    await set_switch(admin, "pause", "channel", "push")
    batches = Batches()
    lane = Lane(LaneSpec("push", KINDS, batches, 10, channel="push"), engine.context)
    engine.stack.push_async_callback(lane.finish, 0, asyncio.Event())
    engine.start(engine.context.switchboard.run())
    engine.start(lane.run(engine.stopping))
    await put_jobs(admin, 2)
    await engine.until_said("switches.changed")
    assert await fetch_value(admin, "select max(claim_number) from gtr_jobs.jobs") == 0
    await clear_switch(admin, "pause", "channel", "push")
    assert len(await batches.wait_for(2)) == 2


async def test_a_lane_goes_past_thousands_of_jobs_of_a_paused_kind(
    engine: Engine, admin: AsyncConnection
) -> None:
    """What waits behind them is done; they are done when the pause is over, each once."""
    paused = await put_jobs(admin, 4500)
    others = await put_jobs(admin, 3, kind="forum_like")
    await set_switch(admin, "pause", "kind", "message")
    batches = Batches()
    engine.start_lane(batches, limit=500, kinds=KINDS)
    assert {job.args["id"] for job in await batches.wait_for(3)} == {str(row) for row in others}
    await engine.until("select count(*) from gtr_jobs.held_jobs", 4500)
    assert len(batches.jobs) == 3
    await clear_switch(admin, "pause", "kind", "message")
    engine.start(engine.context.switchboard.run())
    done = [job.args["id"] for job in (await batches.wait_for(4503))[3:]]
    assert sorted(done) == sorted(str(row) for row in paused)
    assert done == [str(row) for row in paused]
    await engine.until(LEFT, 0)
    assert await fetch_value(admin, "select count(*) from gtr_jobs.held_jobs") == 0


async def test_two_workers_keep_a_limit_together(
    engine: Engine, admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Never more than two of forty at once, whoever has them; and none waits for a poll of a second each."""
    running: set[int] = set()
    most: list[int] = []

    async def work(jobs: Sequence[Job], finish: Finish) -> None:
        running.update(job.job_id for job in jobs)
        most.append(len(running))
        await asyncio.sleep(0.01)
        for job in jobs:
            # Before its end is written: another may begin as soon as it is.
            running.discard(job.job_id)
            finish(Ack(job, Done()))

    await set_switch(admin, "limit", "queue", "push", 2)
    await put_jobs(admin, 40)
    async with run_engine(database, admin) as other:
        engine.start_lane(Batches(do=work))
        other.start_lane(Batches(do=work))
        await engine.until(LEFT, 0)
    assert max(most) <= 2


async def test_a_queue_with_a_rate_is_begun_no_faster(
    engine: Engine, admin: AsyncConnection
) -> None:
    """One a tenth of a second: between the first and the last of twenty lies the time for most of them."""
    await set_switch(admin, "rate", "queue", "push", 10)
    await put_jobs(admin, 20)
    times: list[float] = []

    async def note(jobs: Sequence[Job], finish: Finish) -> None:
        times.extend(asyncio.get_running_loop().time() for _ in jobs)
        for job in jobs:
            finish(Ack(job, Done()))

    batches = Batches(do=note)
    engine.start_lane(batches)
    await batches.wait_for(20)
    # Of a quarter of a second it may have saved up tokens, and a slice is given out together.
    assert times[-1] - times[0] >= (20 - 1 - 3 - 2) / 10
    await engine.until(LEFT, 0)


async def test_a_pause_sends_back_what_waits_for_its_rate(
    engine: Engine, admin: AsyncConnection
) -> None:
    """A job that was claimed and may not begin for a minute is handed back, without an attempt."""
    await set_switch(admin, "rate", "queue", "push", 1 / 60)
    engine.start(engine.context.switchboard.run())
    batches = Batches()
    engine.start_lane(batches)
    await put_jobs(admin, 2)
    await batches.wait_for(1)
    doing = "select count(*) from gtr_jobs.jobs where status = 'doing'"
    await engine.until(doing, 1)
    await set_switch(admin, "pause", "queue", "push")
    await engine.until(doing, 0)
    left = "select attempts::text || ' ' || lost_claims || ' ' || (scheduled_at is null) from gtr_jobs.jobs"
    assert await fetch_value(admin, left) == "0 0 true"


async def test_a_worker_that_could_never_read_the_switches_begins_nothing(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Nobody knows what is paused; what was known once goes on when it cannot be read again."""
    await put_jobs(admin)
    rename = "alter function gtr_jobs.read_switches() rename to away_switches"
    fail = (
        "create function gtr_jobs.read_switches()"
        " returns table (lever text, scope text, name text, key_argument text, amount numeric, queue text)"
        " language plpgsql as $$ begin raise sqlstate '57P03'; end $$"
    )
    await admin.execute(rename.encode())
    await admin.execute(fail.encode())
    await admin.execute("grant execute on function gtr_jobs.read_switches() to gtr_worker")
    batches = Batches()
    engine.start_lane(batches)
    await engine.until_said("database.away")
    assert batches.jobs == []
    await admin.execute("drop function gtr_jobs.read_switches()")
    await admin.execute("alter function gtr_jobs.away_switches() rename to read_switches")
    assert len(await batches.wait_for(1)) == 1
    await admin.execute(rename.encode())
    await admin.execute(fail.encode())
    await admin.execute("grant execute on function gtr_jobs.read_switches() to gtr_worker")
    await asyncio.sleep(1.1)  # what is known is old now
    await put_jobs(admin)
    assert len(await batches.wait_for(2)) == 2
