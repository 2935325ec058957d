"""gtr_jobs.ack_jobs(): how a job leaves its worker, and who may still say so."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from support.jobs import (
    Claimed,
    ack,
    claim,
    count_jobs,
    delivery_of,
    end_of,
    fall_silent,
    fetch_rows,
    put_jobs,
    register_worker,
)

STATE = """
    select
        status::text, worker_id, attempts, claim_number, lost_claims,
        round(extract(epoch from scheduled_at - now()))::integer
    from gtr_jobs.jobs
"""
HISTORY = """
    select
        day, job_id, queue, kind, ended::text, attempts, trace_id,
        ended_at between now() - interval '1 minute' and now()
    from gtr_jobs.job_history order by job_id
"""


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


@pytest.fixture
async def job(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> Claimed:
    """A job that the worker has claimed."""
    await put_jobs(admin)
    (claimed,) = await claim(worker, worker_id)
    return claimed


async def _nothing_was_written(admin: AsyncConnection) -> bool:
    rows: list[tuple[Any, ...]] = await fetch_rows(
        admin,
        """
        select
            (select count(*) from gtr_jobs.deliveries), (select count(*) from gtr_jobs.devices),
            (select count(*) from gtr_jobs.dead_jobs), (select count(*) from gtr_jobs.job_history)
        """,
    )
    return rows == [(0, 0, 0, 0)]


async def test_a_job_that_is_done_leaves_the_queue(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """The queue holds what is to be done; the history keeps what an operator may ask, and no arguments."""
    assert await ack(worker, worker_id, end_of(job)) == {job.job_id}
    assert await count_jobs(admin) == 0
    assert await fetch_rows(admin, HISTORY) == [
        (job.event_day, job.job_id, "push", "message", "done", 1, job.trace_id, True)
    ]


async def test_a_job_that_failed_waits_for_its_next_attempt(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """It is due after its delay, and has used an attempt; that is no end, so the history has none."""
    assert await ack(worker, worker_id, end_of(job, "retry", delay=90.5)) == {job.job_id}
    ((status, holder, attempts, number, lost, seconds),) = await fetch_rows(admin, STATE)
    assert (status, holder, attempts, number, lost) == ("todo", None, 1, 1, 0)
    assert seconds in (90, 91)
    assert await _nothing_was_written(admin)


@pytest.mark.parametrize("delay", [0, None, -5])
async def test_a_retry_without_delay_is_ready_at_once(
    admin: AsyncConnection,
    worker: AsyncConnection,
    worker_id: int,
    job: Claimed,
    delay: float | None,
) -> None:
    """It stands among the ready ones, where it stood before."""
    await ack(worker, worker_id, end_of(job, "retry", delay=delay))
    assert await fetch_rows(admin, STATE) == [("todo", None, 1, 1, 0, None)]


async def test_a_pause_that_a_provider_asked_for_uses_no_attempt(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """Whether a run counts is the worker's to say."""
    await ack(worker, worker_id, end_of(job, "retry", attempted=False))
    assert await fetch_rows(admin, STATE) == [("todo", None, 0, 1, 0, None)]


@pytest.mark.parametrize("maybe_sent", [False, True])
async def test_a_job_that_is_handed_back_uses_no_attempt(
    admin: AsyncConnection,
    worker: AsyncConnection,
    worker_id: int,
    job: Claimed,
    maybe_sent: bool,
) -> None:
    """Its next run knows whether this one may have sent something."""
    await ack(worker, worker_id, end_of(job, "release", maybe_sent=maybe_sent))
    assert await fetch_rows(admin, STATE) == [("todo", None, 0, 1, int(maybe_sent), None)]
    assert await _nothing_was_written(admin)


async def test_a_job_that_is_dead_is_kept_with_its_reason(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """What it died of, in code, words and fingerprint; with its arguments, so that it can be put in again."""
    await ack(worker, worker_id, end_of(job, "dead"))
    assert await count_jobs(admin) == 0
    assert await fetch_rows(
        admin,
        """
        select job_id, queue, kind, args, attempts, code, error, fingerprint, trace_id, event_day,
            enqueued_at < died_at
        from gtr_jobs.dead_jobs
        """,
    ) == [
        (
            job.job_id, "push", "message", job.args, 1, "BadTopic", "refused", "f00d",
            job.trace_id, job.event_day, True,
        )
    ]  # fmt: skip
    assert await fetch_rows(admin, "select job_id, ended::text from gtr_jobs.job_history") == [
        (job.job_id, "dead")
    ]


async def test_a_twin_may_wait_under_the_same_key(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A job that goes back meets the one that was queued under its key meanwhile: both run."""
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'same')])"
    await admin.execute(enqueue)
    (claimed,) = await claim(worker, worker_id)
    await admin.execute(enqueue)
    assert await ack(worker, worker_id, end_of(claimed, "retry")) == {claimed.job_id}
    assert len(await claim(worker, worker_id)) == 2


@pytest.mark.parametrize("ended", ["done", "retry", "release", "dead"])
async def test_an_ack_of_another_claim_writes_nothing(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed, ended: Any
) -> None:
    """An older or invented number, another worker's name, a job that never was: neither end nor delivery."""
    sent = [delivery_of(job, outcome="dead_target", state="failed")]
    end = end_of(job, ended)
    other_id = await register_worker(worker)
    for holder, refused in (
        (worker_id, end | {"claim_number": job.claim_number - 1}),
        (worker_id, end | {"claim_number": job.claim_number + 1}),
        (worker_id, end | {"claim_number": None}),
        (worker_id, end | {"job_id": job.job_id + 1}),
        (other_id, end),
        (None, end),
    ):
        assert await ack(worker, holder, refused, deliveries=sent) == set()
    assert await _nothing_was_written(admin)
    assert await fetch_rows(admin, STATE) == [("doing", worker_id, 0, 1, 0, None)]


async def test_a_job_is_acked_once(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """Whoever does not know whether an ack was written may send it again."""
    deliveries = [delivery_of(job)]
    assert await ack(worker, worker_id, end_of(job, "retry"), deliveries=deliveries) == {job.job_id}
    assert await ack(worker, worker_id, end_of(job, "retry"), deliveries=deliveries) == set()
    assert await fetch_rows(admin, "select attempts from gtr_jobs.deliveries") == [(1,)]
    assert await fetch_rows(admin, STATE) == [("todo", None, 1, 1, 0, None)]


async def test_what_a_worker_brings_after_its_job_was_rescued_is_refused(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """It was silent and comes back: the job is another's now, also where it is the same worker's again."""
    await fall_silent(admin, worker_id)
    await worker.execute("select gtr_jobs.rescue_jobs('30s', 10)")
    late = end_of(job), [delivery_of(job)]
    assert await ack(worker, worker_id, late[0], deliveries=late[1]) == set()
    new_id = await register_worker(worker)
    (again,) = await claim(worker, new_id)
    assert await ack(worker, new_id, late[0], deliveries=late[1]) == set()
    assert await _nothing_was_written(admin)
    assert await ack(worker, new_id, end_of(again), deliveries=[delivery_of(again)]) == {job.job_id}


async def test_an_ack_of_many_writes_those_that_are_held(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A lost claim among many keeps the others from nothing."""
    await put_jobs(admin, 3)
    one, lost, other = await claim(worker, worker_id)
    ends = [end_of(one), end_of(lost) | {"claim_number": 99}, end_of(other, "retry")]
    sent = [delivery_of(job, user_id=None, device_id=None) for job in (one, lost, other)]
    assert await ack(worker, worker_id, *ends, deliveries=sent) == {one.job_id, other.job_id}
    assert await fetch_rows(admin, "select job_id from gtr_jobs.deliveries order by job_id") == [
        (one.job_id,),
        (other.job_id,),
    ]
    assert await fetch_rows(admin, "select job_id, status::text from gtr_jobs.jobs order by 1") == [
        (lost.job_id, "doing"),
        (other.job_id, "todo"),
    ]


async def test_end_and_deliveries_are_written_together_or_not_at_all(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, job: Claimed
) -> None:
    """A delivery that cannot be written leaves the job where it was."""
    with pytest.raises(psycopg.errors.NotNullViolation):
        await ack(worker, worker_id, end_of(job), deliveries=[delivery_of(job, channel=None)])
    assert await _nothing_was_written(admin)
    assert await fetch_rows(admin, STATE) == [("doing", worker_id, 0, 1, 0, None)]
