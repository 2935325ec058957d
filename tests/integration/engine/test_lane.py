"""A lane claims, hands over, and says what came of it, whatever its handler does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import AsyncConnection
from support.engine import PATIENCE_SECONDS, Batches, Engine
from support.jobs import count_jobs, fetch_rows, fetch_value, put_jobs

from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.queue import Ack

DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"
STATE = """
    select status::text, attempts, lost_claims, worker_id is null,
        case when scheduled_at is not null then round(extract(epoch from scheduled_at - now()))::int end
    from gtr_jobs.jobs order by job_id
"""


class StuckHandler:
    """A handler that waits until it is let go."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Wait, and then end every job."""
        self.started.set()
        await self.let_go.wait()
        for job in jobs:
            finish(Ack(job, Done()))


async def test_a_batch_is_handed_over_and_acked(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """What waits is handed over at once, in order; what is done leaves the queue."""
    rows = await put_jobs(admin, 5)
    engine.start_lane(batches)
    await engine.until(DONE, 5)
    ((first, *others),) = batches.seen
    assert [job.args for job in (first, *others)] == [{"id": str(row)} for row in rows]
    assert (first.queue, first.kind, first.attempts, first.max_attempts, first.claim_number) == (
        "push", "message", 0, 8, 1,
    )  # fmt: skip
    assert 0 <= first.waited_seconds <= first.age() < 60
    assert first.runs_again is False
    # The database knows of it before the worker does.
    await engine.context.acker.drain()
    assert engine.metric("gtr_jobs_claimed_total", queue="push") == 5
    assert engine.metric("gtr_worker_inflight_jobs", queue="push") == 0
    assert engine.metric("gtr_jobs_ended_total", queue="push", kind="message", end="done") == 5


async def test_a_job_of_an_unknown_kind_is_left_to_a_newer_worker(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """It is parked for 30 seconds and has used no attempt; its neighbours are done."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
        " values ('of_tomorrow', 'push', 'test', 1)"
    )
    await put_jobs(admin, kind="of_tomorrow")
    await put_jobs(admin)
    engine.start_lane(batches)
    await engine.until(DONE, 1)
    ((*state, seconds),) = await fetch_rows(admin, STATE)
    assert state == ["todo", 0, 0, True]
    assert 25 <= seconds <= 30
    assert [job.kind for job in batches.jobs] == ["message"]


async def test_a_handler_that_fails_has_its_jobs_again_later(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """The attempt counts and the next one waits; jobs that it had ended stay as it ended them."""

    async def fail(jobs: Sequence[Job], finish: Finish) -> None:
        finish(Ack(jobs[0], Done()))
        raise ValueError("with content that is nobody's business")

    batches.do = fail
    await put_jobs(admin, 3)
    engine.start_lane(batches)
    await engine.until("select count(*) from gtr_jobs.jobs where attempts = 1", 2)
    await engine.until(DONE, 1)
    assert {row[:4] for row in await fetch_rows(admin, STATE)} == {("todo", 1, 0, True)}
    seconds = await fetch_rows(
        admin, "select extract(epoch from scheduled_at - now()) from gtr_jobs.jobs"
    )
    assert all(second is None or second <= 5 for (second,) in seconds)
    (reported,) = engine.events("jobs.handler_failed")
    (place, *_) = reported.pop("where")
    assert reported == {"queue": "push", "error": "ValueError", "jobs": 2}
    assert place.startswith("test_lane.py:")
    assert place.endswith(" fail")
    assert "content" not in str(engine.log.entries)


async def test_a_job_is_dead_after_its_last_attempt(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands among the dead with the error's name and without its text."""

    async def fail(jobs: Sequence[Job], finish: Finish) -> None:
        raise ValueError("canary-7f3a")

    monkeypatch.setattr("gtr_jobs.engine.retry.retry_delay", lambda *_: 0.0)
    await admin.execute("update gtr_jobs.job_kinds set max_attempts = 3 where kind = 'message'")
    batches.do = fail
    await put_jobs(admin)
    engine.start_lane(batches)
    await engine.until("select count(*) from gtr_jobs.dead_jobs", 1)
    assert [job.attempts for job in batches.jobs] == [0, 1, 2]
    assert await fetch_rows(admin, "select attempts, code, error from gtr_jobs.dead_jobs") == [
        (3, "ValueError", "the handler failed with ValueError in every attempt")
    ]
    assert await count_jobs(admin) == 0
    assert len(engine.events("job.died")) == 1


async def test_a_handler_that_forgets_jobs_has_failed(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """A job that nobody ended is not left open for ever."""

    async def forget(jobs: Sequence[Job], finish: Finish) -> None:
        finish(Ack(jobs[0], Done()))

    batches.do = forget
    await put_jobs(admin, 2)
    engine.start_lane(batches)
    await engine.until("select count(*) from gtr_jobs.jobs where attempts = 1", 1)
    await engine.until(DONE, 1)
    assert engine.events("jobs.handler_failed") == [
        {"queue": "push", "error": "JobsLeftOpenError", "where": [], "jobs": 1}
    ]


async def test_a_job_is_ended_once(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """A handler that ends a job twice, or after it failed, is heard once."""
    finishes: list[tuple[Finish, Job]] = []

    async def end_twice(jobs: Sequence[Job], finish: Finish) -> None:
        for job in jobs:
            finish(Ack(job, Done()))
            finish(Ack(job, Done()))
            finishes.append((finish, job))

    batches.do = end_twice
    await put_jobs(admin, 2)
    engine.start_lane(batches)
    await engine.until(DONE, 2)
    for finish, job in finishes:
        finish(Ack(job, Done()))
    await engine.context.acker.drain()
    assert engine.events("jobs.lost_claim") == []


async def test_a_handler_whose_database_was_away_uses_no_attempt(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """Its jobs go back for a second: it could read nothing, so it sent nothing."""

    async def find_nothing(jobs: Sequence[Job], finish: Finish) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    batches.do = find_nothing
    await put_jobs(admin)
    engine.start_lane(batches)
    await engine.until("select count(*) from gtr_jobs.jobs where scheduled_at is not null", 1)
    assert await fetch_rows(admin, "select attempts, lost_claims from gtr_jobs.jobs") == [(0, 0)]
    batches.do = None
    await engine.until(DONE, 1)


async def test_no_more_jobs_are_open_than_the_limit_allows(
    engine: Engine, admin: AsyncConnection
) -> None:
    """More are claimed when a fair part has ended."""
    open_jobs: dict[int, tuple[Job, Finish]] = {}
    let_go = asyncio.Event()
    came = asyncio.Condition()

    async def keep(jobs: Sequence[Job], finish: Finish) -> None:
        async with came:
            open_jobs.update({job.job_id: (job, finish) for job in jobs})
            came.notify_all()
        await let_go.wait()
        for job in jobs:
            finish(Ack(job, Done()))

    async def handed_over(count: int) -> None:
        # The database knows of a claim before the worker has its answer.
        async with asyncio.timeout(PATIENCE_SECONDS), came:
            await came.wait_for(lambda: len(open_jobs) == count)

    doing = "select count(*) from gtr_jobs.jobs where status = 'doing'"
    await put_jobs(admin, 12)
    engine.start_lane(keep, limit=8)
    await handed_over(8)
    first, *_ = open_jobs.values()
    first[1](Ack(first[0], Done()))
    # Seven are open, and small claims cost as much as large ones: it waits for a fourth of the limit.
    await engine.until(doing, 7)
    for job, finish in list(open_jobs.values())[1:3]:
        finish(Ack(job, Done()))
    await handed_over(11)
    await engine.until(doing, 8)
    let_go.set()
    await engine.until(DONE, 12)


async def test_running_work_may_end_before_the_lane_does(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Within its time of grace."""
    stuck = StuckHandler()
    await put_jobs(admin)
    lane, running = engine.start_lane(stuck)
    await stuck.started.wait()
    engine.stopping.set()
    await running
    finishing = asyncio.create_task(lane.finish(60, asyncio.Event()))
    stuck.let_go.set()
    await finishing
    await engine.context.acker.drain()
    await engine.until(DONE, 1)


@pytest.mark.parametrize("is_hurried", [False, True])
async def test_what_does_not_end_in_time_is_handed_back(
    engine: Engine, admin: AsyncConnection, is_hurried: bool
) -> None:
    """When the time of grace is over, or at once when hurried: no attempt is used, and the next run knows."""
    stuck, hurry = StuckHandler(), asyncio.Event()
    await put_jobs(admin, 2)
    lane, running = engine.start_lane(stuck)
    await stuck.started.wait()
    engine.stopping.set()
    await running
    finishing = asyncio.create_task(lane.finish(60 if is_hurried else 0.01, hurry))
    if is_hurried:
        hurry.set()
    async with asyncio.timeout(5):
        await finishing
    await engine.context.acker.drain()
    assert await fetch_rows(admin, STATE) == [("todo", 0, 1, True, None)] * 2


async def test_a_lane_claims_no_more_while_its_acks_cannot_be_written(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """What is done and not written is lost with the process: it stays little, and goes on when it is written."""
    hold = asyncio.Event()
    ack_jobs = engine.context.queue.ack_jobs

    async def wait(worker_id: int, acks: Sequence[Ack]) -> frozenset[int]:
        await hold.wait()
        return await ack_jobs(worker_id, acks)

    engine.context.queue.ack_jobs = wait  # type: ignore[method-assign]
    await put_jobs(admin, 9000)
    engine.start_lane(batches, limit=1000)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while engine.context.acker.keeps_up.is_set():
            await asyncio.sleep(0.01)
    held = await fetch_value(admin, "select count(*) from gtr_jobs.jobs where status = 'doing'")
    assert 4000 <= held <= 7000
    hold.set()
    await engine.until(DONE, 9000)
