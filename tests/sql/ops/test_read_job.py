"""gtr_jobs.read_jobs(): all that is known of a job, wherever it is now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from support.dead import bury, discard, let_die
from support.jobs import ack, claim, end_of, fetch_rows, fetch_value, put_jobs, register_worker
from support.scans import reads_of

READ = """
    select job_id, state, attempts, max_attempts, code, args is not null, ended_at is not null
    from gtr_jobs.read_jobs(%s::bigint[])
"""


async def _newest(admin: AsyncConnection) -> int:
    return int(await fetch_value(admin, "select max(job_id) from gtr_jobs.jobs"))


async def test_a_job_is_found_wherever_it_is(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Ready, for later, being done, dead, done, cancelled and discarded; a stranger is not."""
    worker_id = await register_worker(worker)
    await put_jobs(admin)
    (done,) = await claim(worker, worker_id)
    await ack(worker, worker_id, end_of(done))
    dead, discarded = await let_die(admin, worker), await let_die(admin, worker)
    await discard(admin, [discarded.job.job_id])
    await put_jobs(admin)
    cancelled = await _newest(admin)
    await admin.execute("select gtr_jobs.withdraw_jobs(%s)", ([cancelled],))
    await put_jobs(admin)
    (doing,) = await claim(worker, worker_id)
    await put_jobs(admin, run_at=datetime.now(UTC) + timedelta(hours=1))
    scheduled = await _newest(admin)
    await put_jobs(admin)
    ready = await _newest(admin)
    expected: list[tuple[Any, ...]] = [
        (done.job_id, "done", 1, 8, None, False, True),
        (dead.job.job_id, "dead", 1, 8, "BadTopic", True, True),
        (discarded.job.job_id, "discarded", 1, 8, None, False, True),
        (cancelled, "cancelled", 0, 8, None, False, True),
        (doing.job_id, "doing", 0, 8, None, True, False),
        (scheduled, "scheduled", 0, 8, None, True, False),
        (ready, "ready", 0, 8, None, True, False),
    ]
    ids = [row[0] for row in expected]
    assert await fetch_rows(admin, READ, [*ids, 999_999]) == sorted(expected)


async def test_a_kind_that_is_no_longer_known_has_no_limit(admin: AsyncConnection) -> None:
    """The job is shown all the same."""
    (job_id,) = await bury(admin, kind="washing")
    assert await fetch_rows(admin, READ, [job_id]) == [
        (job_id, "dead", 8, None, "UNAVAILABLE", True, True)
    ]


async def test_deliveries_are_those_of_the_job(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Of its day, the oldest first."""
    died = await let_die(admin, worker, ("sent", "accepted"), ("failed", "retry"))
    await let_die(admin, worker, ("sent", "accepted"))
    rows = await fetch_rows(
        admin,
        "select dedupe_key, state, outcome from gtr_jobs.read_job_deliveries(%s, %s)",
        died.job.event_day,
        died.job.job_id,
    )
    assert {key: f"{state} {outcome}" for key, state, outcome in rows} == {
        key: name for name, key in died.deliveries.items()
    }


async def test_reading_goes_by_indexes(admin: AsyncConnection) -> None:
    """Through 100,000 jobs of history, dead and deliveries, in days and in between."""
    await admin.execute(
        "insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)"
        " select current_date + (n %% 12 - 6), n, 'push', 'message', 'done', 1, 't', now()"
        " from generate_series(1, 100000) as n".replace("%%", "%")
    )
    await admin.execute(
        "insert into gtr_jobs.deliveries (day, dedupe_key, kind, channel, state, outcome, job_id, trace_id)"
        " select current_date, gen_random_uuid(), 'message', 'push', 'sent', 'accepted', n / 2, 't'"
        " from generate_series(1, 100000) as n"
    )
    await bury(admin, 100_000)
    await admin.execute("analyze gtr_jobs.job_history, gtr_jobs.deliveries, gtr_jobs.dead_jobs")
    for statement in (
        "select * from gtr_jobs.read_jobs(array[50000])",
        "select * from gtr_jobs.read_jobs(array[99999999])",
        "select * from gtr_jobs.read_job_deliveries(current_date, 777)",
    ):
        reads = await reads_of(admin, statement)
        # Tables of a handful of rows are read as they are.
        assert sum(reads.tables.values()) < 100
        assert sum(reads.indexes.values()) < 100
