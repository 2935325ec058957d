"""gtr_jobs.release_unknown_jobs(): what a living worker holds without knowing goes back."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection
from support.jobs import Claimed, claim, fetch_rows, fetch_value, put_jobs, register_worker
from support.scans import reads_of


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def _release(
    worker: AsyncConnection, worker_id: int, *known: Claimed, queue: str = "push"
) -> int:
    return int(
        await fetch_value(
            worker,
            "select gtr_jobs.release_unknown_jobs(%s, %s, %s::bigint[], %s::bigint[])",
            queue,
            worker_id,
            [job.job_id for job in known],
            [job.claim_number for job in known],
        )
    )


async def test_a_claim_that_the_worker_does_not_know_is_undone(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It was handed to nobody: no attempt is used, and nothing may have been sent; the others stay."""
    await put_jobs(admin, 3)
    one, unknown, other = await claim(worker, worker_id)
    assert await _release(worker, worker_id, one, other) == 1
    assert await fetch_rows(
        admin,
        """
        select job_id, status::text, worker_id, attempts, claim_number, lost_claims
        from gtr_jobs.jobs order by job_id
        """,
    ) == [
        (one.job_id, "doing", worker_id, 0, 1, 0),
        (unknown.job_id, "todo", None, 0, 1, 0),
        (other.job_id, "doing", worker_id, 0, 1, 0),
    ]
    (again,) = await claim(worker, worker_id)
    assert (again.job_id, again.claim_number) == (unknown.job_id, 2)


async def test_an_older_claim_of_a_job_is_another(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A job that went back and was claimed again, unheard, is not known by its first claim."""
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    await _release(worker, worker_id)
    await claim(worker, worker_id)
    assert await _release(worker, worker_id, job) == 1


async def test_other_workers_and_other_queues_are_left_alone(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Each lane speaks for its own queue of its own worker, and of nothing that waits."""
    await put_jobs(admin, 2)
    await claim(worker, worker_id, 1)
    assert await _release(worker, worker_id, queue="slow") == 0
    assert await _release(worker, await register_worker(worker)) == 0
    assert await _release(worker, worker_id) == 1
    assert await _release(worker, worker_id) == 0


async def test_a_job_meets_its_twin_when_it_is_released(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """What was queued under the same key meanwhile does not keep it from going back."""
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'same')])"
    await admin.execute(enqueue)
    await claim(worker, worker_id)
    await admin.execute(enqueue)
    assert await _release(worker, worker_id) == 1
    assert len(await claim(worker, worker_id)) == 2


async def test_it_reads_what_is_being_done_and_nothing_that_waits(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """By the index of running jobs, however much waits and however little the planner knows."""
    await put_jobs(admin, 1000)
    held = await claim(worker, worker_id, 200)
    known = [job.job_id for job in held], [job.claim_number for job in held]
    await admin.execute("set plan_cache_mode = force_generic_plan")
    reads = await reads_of(
        admin,
        "select gtr_jobs.release_unknown_jobs('push', %s, %s::bigint[], %s::bigint[])",
        worker_id,
        *known,
    )
    assert reads.tables == {}
    assert sum(reads.indexes.values()) == 200
