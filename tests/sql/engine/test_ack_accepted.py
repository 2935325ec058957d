"""gtr_jobs.ack_accepted_pushes(): jobs whose pushes were all taken, by the law of gtr_jobs.ack_jobs()."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.accepted import Push, ack_accepted
from support.jobs import (
    claim,
    count_jobs,
    fall_silent,
    fetch_rows,
    put_jobs,
    read_deliveries,
    register_worker,
)

COUNTS = (
    "select (select count(*) from gtr_jobs.deliveries), (select count(*) from gtr_jobs.job_history)"
)


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def _claim_one(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> Push:
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    return Push(job, UUID(int=1), UUID(int=2), UUID(int=3))


async def test_a_push_and_the_end_of_its_job_are_kept_whole(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The delivery as accepted, the job as done, both under the day of its event; the queue is empty."""
    push = await _claim_one(admin, worker, worker_id)
    job = push.job
    assert await ack_accepted(worker, worker_id, push) == [job.job_id]
    assert await count_jobs(admin) == 0
    assert await read_deliveries(admin) == [
        (
            job.event_day, UUID(int=1), "message", "push", "fcm", UUID(int=2), UUID(int=3), "sent",
            "accepted", "", "a-1", 1, False, job.job_id, job.trace_id,
        )
    ]  # fmt: skip
    assert await fetch_rows(
        admin,
        "select day, job_id, queue, kind, ended::text, attempts, trace_id from gtr_jobs.job_history",
    ) == [(job.event_day, job.job_id, "push", "message", "done", 1, job.trace_id)]


async def test_what_is_no_longer_the_claims_is_not_written(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """An older or invented number, another worker's name, a job that never was: neither end nor delivery."""
    push = await _claim_one(admin, worker, worker_id)
    job = push.job
    other_id = await register_worker(worker)
    for holder, claimed in (
        (worker_id, replace(job, claim_number=job.claim_number - 1)),
        (worker_id, replace(job, claim_number=job.claim_number + 1)),
        (worker_id, replace(job, job_id=job.job_id + 1)),
        (other_id, job),
        (None, job),
    ):
        assert await ack_accepted(worker, holder, replace(push, job=claimed)) == []
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await count_jobs(admin) == 1


async def test_a_lost_claim_among_many_keeps_the_others_from_nothing(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """And an ack that is sent again, because nobody knows whether it was written, does nothing."""
    await put_jobs(admin, 3)
    one, lost, other = await claim(worker, worker_id)
    pushes = [
        Push(job, UUID(int=number))
        for number, job in enumerate([one, replace(lost, claim_number=99), other, one])
    ]
    assert await ack_accepted(worker, worker_id, *pushes) == [one.job_id, other.job_id]
    assert await ack_accepted(worker, worker_id, *pushes) == []
    assert await fetch_rows(
        admin, "select job_id, attempts from gtr_jobs.deliveries order by job_id, dedupe_key"
    ) == [(one.job_id, 1), (one.job_id, 1), (other.job_id, 1)]
    assert await fetch_rows(admin, "select job_id, status::text from gtr_jobs.jobs") == [
        (lost.job_id, "doing")
    ]


async def test_what_a_worker_brings_after_its_job_was_rescued_is_refused(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It was silent and comes back: the job is another's now, also where it is the same worker's again."""
    late = await _claim_one(admin, worker, worker_id)
    await fall_silent(admin, worker_id)
    await worker.execute("select gtr_jobs.rescue_jobs('30s', 10)")
    assert await ack_accepted(worker, worker_id, late) == []
    new_id = await register_worker(worker)
    (again,) = await claim(worker, new_id)
    assert await ack_accepted(worker, new_id, late) == []
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await ack_accepted(worker, new_id, replace(late, job=again)) == [again.job_id]


async def test_end_and_deliveries_are_written_together_or_not_at_all(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A delivery that cannot be written leaves the job where it was."""
    push = await _claim_one(admin, worker, worker_id)
    nameless: Any = None
    with pytest.raises(psycopg.errors.NotNullViolation):
        await ack_accepted(worker, worker_id, replace(push, dedupe_key=nameless))
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await fetch_rows(admin, "select status::text from gtr_jobs.jobs") == [("doing",)]
