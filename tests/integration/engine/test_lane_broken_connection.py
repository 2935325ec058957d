"""Connections break at every moment: no job is lost by it, and none is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import AsyncConnection
from support.engine import Batches, Engine, lose_reply_once
from support.jobs import fetch_rows, fetch_value, put_jobs

from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.queue import Ack

DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"
BROKEN = psycopg.OperationalError("server closed the connection unexpectedly")


async def test_a_lane_goes_on_after_its_connections_were_ended(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """While it sleeps and while it works: it says once that the database was away, and once that it is back."""
    engine.start_lane(batches)
    await engine.until_asleep()
    await engine.end_connections()
    await put_jobs(admin, 3)
    await engine.until(DONE, 3)
    await engine.context.acker.drain()
    assert len(engine.events("database.away")) == len(engine.events("database.back")) <= 2
    await engine.end_connections()
    await put_jobs(admin, 3)
    await engine.until(DONE, 6)
    assert len(batches.jobs) == 6


async def test_work_that_ends_while_the_database_is_away_is_written_once(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """The ack waits for the database, and the job runs once."""

    async def work(jobs: Sequence[Job], finish: Finish) -> None:
        await engine.end_connections()
        for job in jobs:
            finish(Ack(job, Done()))

    batches.do = work
    await put_jobs(admin, 10)
    engine.start_lane(batches)
    await engine.until(DONE, 10)
    await engine.context.acker.drain()
    assert len(batches.jobs) == 10
    assert await fetch_rows(admin, "select * from gtr_jobs.jobs") == []


async def test_an_ack_whose_reply_was_lost_is_written_once(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, and nobody said so: it is written again, and the fence keeps the second one out."""
    queue = engine.context.queue
    monkeypatch.setattr(queue, "ack_jobs", lose_reply_once(queue.ack_jobs, BROKEN))
    await put_jobs(admin, 2)
    engine.start_lane(batches)
    await engine.until(DONE, 2)
    await engine.context.acker.drain()
    assert len(batches.jobs) == 2
    assert engine.metric("gtr_worker_inflight_jobs", queue="push") == 0
    # It is not known whose they are; they are certainly not known to be another's.
    assert engine.events("jobs.lost_claim") == []


async def test_a_claim_whose_reply_was_lost_is_given_back(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs are this worker's and it never learned of them: no rescuer would ever come for them."""
    queue = engine.context.queue
    monkeypatch.setattr(queue, "claim_jobs", lose_reply_once(queue.claim_jobs, BROKEN))
    await put_jobs(admin, 3)
    engine.start_lane(batches)
    await engine.until(DONE, 3)
    assert [(job.claim_number, job.attempts, job.lost_claims) for job in batches.jobs] == [
        (2, 0, 0)
    ] * 3
    assert engine.events("jobs.unowned") == [{"queue": "push", "released": 3}]
    assert engine.metric("gtr_jobs_rescued_total", fate="released") == 3


async def test_giving_back_lost_claims_takes_nothing_that_runs(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being done, and what is done and not yet written, stays the worker's."""
    let_go, queue = asyncio.Event(), engine.context.queue
    ack_jobs, may_ack = queue.ack_jobs, asyncio.Event()

    async def work(jobs: Sequence[Job], finish: Finish) -> None:
        finish(Ack(jobs[0], Done()))
        await let_go.wait()
        for job in jobs[1:]:
            finish(Ack(job, Done()))

    async def ack_late(worker_id: int, acks: Sequence[Ack]) -> frozenset[int]:
        await may_ack.wait()
        return await ack_jobs(worker_id, acks)

    monkeypatch.setattr(queue, "ack_jobs", ack_late)
    breaks = asyncio.Event()
    monkeypatch.setattr(queue, "claim_jobs", lose_reply_once(queue.claim_jobs, BROKEN, breaks))
    batches.do = work
    await put_jobs(admin, 4)
    engine.start_lane(batches)
    await batches.wait_for(4)
    breaks.set()
    await put_jobs(admin, 2)
    await batches.wait_for(6)
    let_go.set()
    may_ack.set()
    await engine.until(DONE, 6)
    assert sorted(job.claim_number for job in batches.jobs) == [1, 1, 1, 1, 2, 2]


async def test_claimed_jobs_are_started_although_waking_up_failed(
    engine: Engine, admin: AsyncConnection, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a worker is awake could not be said: what it has claimed is done all the same."""
    queue, failures = engine.context.queue, []

    async def fail(*_: object) -> None:
        failures.append(1)
        raise BROKEN

    monkeypatch.setattr(queue, "stay_awake", fail)
    engine.start_lane(batches)
    await engine.until_asleep()
    await put_jobs(admin, 2)
    await engine.until(DONE, 2)
    assert failures
    assert [job.claim_number for job in batches.jobs] == [1, 1]


async def test_a_worker_that_was_given_up_goes_on_under_a_new_number(
    engine: Engine, admin: AsyncConnection, batches: Batches
) -> None:
    """It was paused for too long and struck off: it claims nothing until its heart beats again."""
    membership = engine.context.membership
    given_up = membership.worker_id
    engine.start_lane(batches)
    await engine.until_asleep()
    await admin.execute("delete from procrastinate.procrastinate_workers where true")
    await put_jobs(admin)
    engine.start(membership.run())
    await engine.until(DONE, 1)
    assert membership.worker_id > given_up
    assert await fetch_value(admin, "select id from procrastinate.procrastinate_workers") == (
        membership.worker_id
    )
    assert engine.events("worker.registered_anew") == [
        {"was": given_up, "worker_id": membership.worker_id}
    ]
