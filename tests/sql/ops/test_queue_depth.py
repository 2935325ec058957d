"""gtr_jobs.read_queue_depth(): how much waits, for how long, at a bounded price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from support.jobs import ack, claim, end_of, fetch_rows, put_jobs, register_worker
from support.scans import reads_of

NOW = datetime.now(UTC)
DEPTH = """
    select queue, ready, scheduled, doing, dead, round(oldest_due_seconds)::integer
    from gtr_jobs.read_queue_depth() where queue = 'push'
"""


async def _age(admin: AsyncConnection, minutes: int) -> None:
    await admin.execute(
        "update procrastinate.procrastinate_jobs"
        " set enqueued_at = now() - make_interval(mins => %s) where scheduled_at is null",
        (minutes,),
    )


async def test_every_queue_has_a_depth(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """Also an empty one: a gauge that is missing says nothing."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
        " values ('wash', 'slow', 'test', 3), ('wax', 'slow', 'test', 3)"
    )
    assert await fetch_rows(worker, "select * from gtr_jobs.read_queue_depth() order by queue") == [
        (queue, 0, 0, 0, 0, 0.0)
        for queue in ("email", "maintenance", "match", "push", "receipts", "slow", "sms")
    ]


async def test_jobs_are_counted_by_what_they_wait_for(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Ready, for later, being done, dead."""
    await put_jobs(admin, 6)
    one, other, *_ = await claim(worker, worker_id := await register_worker(worker), 3)
    await ack(worker, worker_id, end_of(one, "dead"), end_of(other, "dead"))
    await put_jobs(admin, 4, run_at=NOW + timedelta(hours=1))
    assert await fetch_rows(worker, DEPTH) == [("push", 3, 4, 1, 2, 0)]


async def test_the_oldest_job_is_the_one_that_has_waited_longest(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Since it was enqueued, or since it fell due; what is being done or for later does not wait."""
    await put_jobs(admin)
    await _age(admin, 60)
    await claim(worker, await register_worker(worker))
    await put_jobs(admin, run_at=NOW + timedelta(hours=1))
    assert await fetch_rows(worker, DEPTH) == [("push", 0, 1, 1, 0, 0)]
    await put_jobs(admin)
    await admin.execute(
        "update procrastinate.procrastinate_jobs set enqueued_at = now() - interval '10 minutes'"
        " where status = 'todo' and scheduled_at is null"
    )
    assert await fetch_rows(worker, DEPTH) == [("push", 1, 1, 1, 0, 600)]
    await admin.execute(
        "update procrastinate.procrastinate_jobs set scheduled_at = now() - interval '20 minutes'"
        " where scheduled_at is not null"
    )
    assert await fetch_rows(worker, DEPTH) == [("push", 1, 1, 1, 0, 1200)]


async def test_the_oldest_job_counts_whatever_its_priority(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A job that never gets its turn is what this number is there to show."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('idle', 'push', 'test', -5, 3)"
    )
    await put_jobs(admin, kind="idle")
    await _age(admin, 30)
    await put_jobs(admin)
    assert await fetch_rows(worker, DEPTH) == [("push", 2, 0, 0, 0, 1800)]


async def test_counting_stops_at_ten_thousand(admin: AsyncConnection) -> None:
    """Asked every 15 seconds by every worker: no table is read through, and no index further than that."""
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name, scheduled_at)"
        " select q, 'message', s from generate_series(1, 50000) as n"
        " cross join (values ('push', null), ('push', now() + interval '1 day'), ('slow', null))"
        " as v (q, s)"
    )
    await admin.execute(
        """
        insert into gtr_jobs.dead_jobs (job_id, queue, kind, args, attempts, code, error, fingerprint,
            trace_id, event_day, enqueued_at)
        select -n, q, 'message', '{}', 1, 'c', 'e', 'f', 't', now()::date, now()
        from generate_series(1, 100000) as n
        cross join lateral (select case when n % 9 = 0 then 'push' else 'slow' end) as v (q)
        """
    )
    await admin.execute("analyze procrastinate.procrastinate_jobs, gtr_jobs.dead_jobs")
    reads = await reads_of(admin, "select gtr_jobs.read_queue_depth()")
    assert reads.tables.keys() <= {"gtr_jobs.job_kinds"}
    assert max(reads.indexes.values()) <= 10_001
    assert await fetch_rows(
        admin,
        "select queue, ready, scheduled, doing, dead from gtr_jobs.read_queue_depth()"
        " where queue = 'push'",
    ) == [("push", 10_000, 10_000, 0, 10_000)]
