"""gtr_jobs.revive_jobs(): a dead job is back in its queue, as the same job."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from support.dead import bury, let_die, requeue
from support.jobs import (
    ack,
    claim,
    end_of,
    fall_silent,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)

REVIVE = "select gtr_jobs.revive_jobs(%s, %s, %s)"


async def test_a_job_comes_back_with_its_name_day_and_age(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """All attempts are before it; id, arguments, day of the event, trace and age are what they were."""
    died = await let_die(admin, worker)
    known = "select args, event_day, enqueued_at, trace_id, kind, queue from gtr_jobs."
    before = await fetch_rows(admin, known + "dead_jobs")
    assert await fetch_value(admin, REVIVE, [died.job.job_id], 0, 1) == [died.job.job_id]
    assert await fetch_rows(admin, known + "jobs") == before
    assert await fetch_rows(admin, "select job_id, attempts, status::text from gtr_jobs.jobs") == [
        (died.job.job_id, 0, "todo")
    ]
    assert await fetch_rows(admin, "select 1 from gtr_jobs.dead_jobs") == []


async def test_it_looks_into_the_ledger_before_it_sends(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Its next claim is not its first, so the worker reads what was sent; and old claims stay refused."""
    died = await let_die(admin, worker)
    worker_id = await register_worker(worker)
    await fetch_value(admin, REVIVE, [died.job.job_id], 0, 1)
    (job,) = await claim(worker, worker_id)
    assert job.claim_number == died.job.claim_number + 1
    assert await ack(worker, worker_id, end_of(died.job)) == set()
    assert await ack(worker, worker_id, end_of(job)) == {job.job_id}


async def test_what_a_lost_claim_may_have_sent_stays_known(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A job that took three workers with it comes back with three lost claims, and may be lost again."""
    await put_jobs(admin)
    for _ in range(3):
        worker_id = await register_worker(worker)
        (job,) = await claim(worker, worker_id)
        await fall_silent(admin, worker_id)
        await worker.execute("select gtr_jobs.rescue_jobs('30 s', 100)")
    assert await fetch_rows(
        admin, "select code, lost_claims, claim_number from gtr_jobs.dead_jobs"
    ) == [("quarantined", 3, 3)]
    await requeue(admin, [job.job_id])
    (again,) = await claim(worker, worker_id := await register_worker(worker))
    assert (again.lost_claims, again.claim_number) == (3, 4)
    await fall_silent(admin, worker_id)
    assert await fetch_rows(worker, "select * from gtr_jobs.rescue_jobs('30 s', 100)") == [
        (job.job_id, True)
    ]


async def test_jobs_fall_due_one_after_another(admin: AsyncConnection) -> None:
    """In the order given, at the pace given, from a delay on; and no wait of the dead counts as waiting."""
    ids = await bury(admin, 4, age="5 hours")
    assert await fetch_value(admin, REVIVE, ids[::-1], 10, 2) == ids
    due = await fetch_rows(
        admin,
        "select job_id, round(extract(epoch from scheduled_at - now()), 1)::float from gtr_jobs.jobs"
        " order by scheduled_at",
    )
    expected = [(job_id, 10 + place / 2) for place, job_id in enumerate(ids[::-1])]
    assert [job_id for job_id, _ in due] == [job_id for job_id, _ in expected]
    for (_, found), (_, wanted) in zip(due, expected, strict=True):
        assert wanted - 2 < found <= wanted


async def test_its_wait_counts_from_now(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """A job of yesterday that is requeued does not make the queue look a day behind."""
    ids = await bury(admin, age="20 hours")
    await fetch_value(admin, REVIVE, ids, 0, 1)
    assert await fetch_value(
        worker, "select max(oldest_due_seconds) < 5 from gtr_jobs.read_queue_depth()"
    )
    ((age, waited),) = await fetch_rows(
        worker,
        "select age_seconds, waited_seconds from gtr_jobs.claim_jobs('push', %s, 1)",
        await register_worker(worker),
    )
    assert age > 70_000
    assert waited < 5


async def test_a_kind_that_is_no_longer_known_stays_dead(admin: AsyncConnection) -> None:
    """No worker would take it; the others of the call live."""
    (lost,) = await bury(admin, kind="washing")
    (found,) = await bury(admin)
    assert await fetch_value(admin, REVIVE, [lost, found], 0, 1) == [found]
    assert await fetch_rows(admin, "select job_id from gtr_jobs.dead_jobs") == [(lost,)]


async def test_a_job_goes_to_the_queue_that_its_kind_has_now(admin: AsyncConnection) -> None:
    """With that kind's priority: where it was once is of no use to anybody."""
    ids = await bury(admin)
    await admin.execute(
        "update gtr_jobs.job_kinds set queue = 'slow', priority = 3 where kind = 'message'"
    )
    await fetch_value(admin, REVIVE, ids, 0, 1)
    rows: list[tuple[Any, ...]] = await fetch_rows(
        admin, "select queue, priority from gtr_jobs.jobs"
    )
    assert rows == [("slow", 3)]
