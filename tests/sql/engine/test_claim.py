"""gtr_jobs.claim_jobs(): each due job to one worker, in order, and never by reading what is not due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import (
    Claimed,
    ack,
    claim,
    end_of,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)
from support.scans import reads_of

NOW = datetime.now(UTC)


def _rows(jobs: list[Claimed]) -> list[UUID]:
    return [UUID(job.args["id"]) for job in jobs]


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def test_a_claim_says_what_the_job_is(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The job is the worker's now; what it needs to know of it comes with the claim."""
    (row,) = await put_jobs(admin)
    job_id, day, trace = (
        await fetch_rows(admin, "select job_id, event_day, trace_id from gtr_jobs.jobs")
    )[0]
    claimed = await claim(worker, worker_id)
    assert claimed == [
        Claimed(
            job_id=job_id,
            kind="message",
            args={"id": str(row)},
            attempts=0,
            max_attempts=8,
            claim_number=1,
            lost_claims=0,
            event_day=day,
            trace_id=trace,
        )
    ]
    assert await fetch_rows(
        admin, "select job_id, status::text, worker_id, claim_number from gtr_jobs.jobs"
    ) == [(job_id, "doing", worker_id, 1)]


async def test_jobs_are_claimed_by_priority_and_then_in_their_order(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The urgent before the others, the older before the newer, in the order in which they are given."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('urgent', 'push', 'test', 5, 3), ('idle', 'push', 'test', -5, 3)"
    )
    idle = await put_jobs(admin, 1, kind="idle")
    first = await put_jobs(admin, 2)
    urgent = await put_jobs(admin, 2, kind="urgent")
    second = await put_jobs(admin, 1)
    assert _rows(await claim(worker, worker_id, 3)) == [*urgent, first[0]]
    assert _rows(await claim(worker, worker_id)) == [first[1], *second, *idle]


async def test_a_job_that_fell_due_goes_before_what_is_only_ready(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It has waited longest; of several the one that was due first."""
    ready = await put_jobs(admin, 2)
    later = await put_jobs(admin, run_at=NOW - timedelta(minutes=1))
    sooner = await put_jobs(admin, run_at=NOW - timedelta(minutes=2))
    assert [_rows(await claim(worker, worker_id, 1)) for _ in range(4)] == [
        sooner,
        later,
        [ready[0]],
        [ready[1]],
    ]


async def test_a_job_that_is_not_due_is_not_claimed(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It waits for its time."""
    await put_jobs(admin, run_at=NOW + timedelta(hours=1))
    assert await claim(worker, worker_id) == []


async def test_a_claim_takes_its_own_queue_only(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Another queue's jobs are another lane's."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
        " values ('wash', 'slow', 'test', 3)"
    )
    await put_jobs(admin, kind="wash")
    await put_jobs(admin, kind="wash", run_at=NOW - timedelta(hours=1))
    assert await claim(worker, worker_id) == []
    assert len(await claim(worker, worker_id, queue="slow")) == 2


async def test_a_claim_takes_no_more_than_it_asks_for(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The limit counts what fell due and what is ready together."""
    await put_jobs(admin, 3, run_at=NOW - timedelta(hours=1))
    await put_jobs(admin, 3)
    assert [len(await claim(worker, worker_id, limit)) for limit in (0, 4, 4)] == [0, 4, 2]


@pytest.mark.parametrize("limit", [None, 100_000])
async def test_no_claim_is_without_a_limit(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, limit: int | None
) -> None:
    """Whoever asks for everything gets a thousand."""
    await put_jobs(admin, 600)
    await put_jobs(admin, 600, run_at=NOW - timedelta(hours=1))
    assert len(await claim(worker, worker_id, limit)) == 1000


async def test_two_who_claim_at_the_same_time_get_different_jobs(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, database: ProjectDatabase
) -> None:
    """Neither waits for the other, and no job goes to both."""
    rows = await put_jobs(admin, 10)
    due = await put_jobs(admin, 10, run_at=NOW - timedelta(hours=1))
    async with await database.connect_async("gtr_worker") as other_worker:
        other_id = await register_worker(other_worker)
        async with worker.transaction():
            ones = await claim(worker, worker_id, 12)
            await other_worker.execute("set statement_timeout = '1s'")
            others = await claim(other_worker, other_id, 12)
    assert (len(ones), len(others)) == (12, 8)
    assert sorted(_rows(ones + others)) == sorted(rows + due)


async def test_the_claim_number_grows_with_every_claim(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Also where the job went back unused: an older claim's number is never good again."""
    await put_jobs(admin)
    numbers = []
    for ended in ("release", "retry", "release"):
        (job,) = await claim(worker, worker_id)
        numbers.append(job.claim_number)
        await ack(worker, worker_id, end_of(job, ended, delay=0))
    assert numbers == [1, 2, 3]


async def test_a_worker_that_is_not_on_the_register_claims_nothing(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Given up for dead: what it claimed now would be taken from it again at once."""
    await put_jobs(admin)
    await worker.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    assert await claim(worker, worker_id) == []
    assert len(await claim(worker, await register_worker(worker))) == 1


async def test_a_kind_that_is_listed_no_more_is_tried_once(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Its job is still claimed: what to do with it is the worker's to say."""
    await put_jobs(admin)
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'message'")
    (job,) = await claim(worker, worker_id)
    assert (job.kind, job.max_attempts) == ("message", 1)


async def test_ages_are_told_by_the_clock_of_the_database(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Since it was enqueued, and since it was due: the later of the two."""
    await put_jobs(admin)
    await put_jobs(admin, run_at=NOW)
    await admin.execute(
        "update procrastinate.procrastinate_jobs set enqueued_at = now() - interval '1 hour',"
        " scheduled_at = case when scheduled_at is not null then now() - interval '10 minutes' end"
    )
    ages: list[tuple[Any, ...]] = await fetch_rows(
        worker,
        "select round(age_seconds / 60), round(waited_seconds / 60)"
        " from gtr_jobs.claim_jobs('push', %s, 10)",
        worker_id,
    )
    assert ages == [(60, 60), (60, 10)]


@pytest.mark.parametrize("is_analyzed", [False, True])
async def test_a_claim_reads_no_more_than_it_takes(
    admin: AsyncConnection, worker_id: int, is_analyzed: bool
) -> None:
    """Neither 50,000 jobs of another queue nor 50,000 for later cost it anything, known to the planner or not."""
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name, scheduled_at)"
        " select 'slow', 'wash', null from generate_series(1, 50000) union all"
        " select 'push', 'message', now() + interval '1 day' from generate_series(1, 50000)"
    )
    await put_jobs(admin, 20)
    await put_jobs(admin, 5, run_at=NOW - timedelta(hours=1))
    if is_analyzed:
        await admin.execute("analyze procrastinate.procrastinate_jobs")
    reads = await reads_of(admin, "select gtr_jobs.claim_jobs('push', %s, 10)", worker_id)
    assert reads.tables.keys() <= {"gtr_jobs.job_kinds", "procrastinate.procrastinate_workers"}
    assert reads.indexes["procrastinate.gtr_jobs_ready"] == 5
    assert reads.indexes["procrastinate.gtr_jobs_scheduled"] <= 10
    assert max(reads.indexes.values()) <= 30
    assert (
        await fetch_value(admin, "select count(*) from gtr_jobs.jobs where status = 'doing'") == 0
    )
