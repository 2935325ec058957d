"""gtr_jobs.count_enqueue_errors(): how many rows of the last hour were not enqueued."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.jobs import fetch_value
from support.scans import reads_of

COUNT = "select gtr_jobs.count_enqueue_errors()"
INSERT = """
    insert into gtr_jobs.enqueue_errors (source, sqlstate, message, context, failed_at)
    select 'messages_insert', 'GTR01', 'm', 'c', now() - %s::interval from generate_series(1, %s)
"""


async def test_the_last_hour_is_counted(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """What is older was seen, or will not be."""
    assert await fetch_value(worker, COUNT) == 0
    await admin.execute(INSERT, ("61 minutes", 5))
    await admin.execute(INSERT, ("59 minutes", 3))
    assert await fetch_value(worker, COUNT) == 3


async def test_counting_has_an_end(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """At ten thousand, and by the index of times: a queue that was broken for a week costs nothing."""
    await admin.execute(INSERT, ("2 days", 20_000))
    await admin.execute(INSERT, ("1 minute", 12_000))
    await admin.execute("analyze gtr_jobs.enqueue_errors")
    assert await fetch_value(worker, COUNT) == 10_000
    reads = await reads_of(admin, COUNT)
    assert reads.tables == {}
    assert reads.indexes == {"gtr_jobs.enqueue_errors_failed_at": 10_000}
