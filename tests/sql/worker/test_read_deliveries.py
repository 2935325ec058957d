"""gtr_jobs.read_deliveries(): what earlier runs of a job came to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.scans import reads_of

TODAY = datetime.now(UTC).date()
INSERT = """
    insert into gtr_jobs.deliveries (day, dedupe_key, kind, channel, state, outcome, job_id, trace_id)
    values (%s, %s, 'message', 'push', %s, 'accepted', 1, 'a')
"""


async def test_deliveries_are_read_by_day_and_key(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Those that are known, with their state; one of another day is another event's."""
    one, other, elsewhere = uuid4(), uuid4(), uuid4()
    yesterday = TODAY - timedelta(days=1)
    for day, key, state in (
        (TODAY, one, "sent"),
        (yesterday, other, "unknown"),
        (yesterday - timedelta(days=1), elsewhere, "sent"),
    ):
        await admin.execute(INSERT, (day, key, state))
    rows = await fetch_rows(
        worker,
        "select dedupe_key, state::text from gtr_jobs.read_deliveries(%s, %s)",
        [TODAY, yesterday],
        [one, other, elsewhere, uuid4()],
    )
    assert dict(rows) == {one: "sent", other: "unknown"}


@pytest.mark.parametrize(("days", "keys"), [([], [uuid4()]), ([TODAY], []), ([], [])])
async def test_nothing_asked_is_nothing_read(
    worker: AsyncConnection, days: list[object], keys: list[UUID]
) -> None:
    """Empty lists are no error."""
    query = "select * from gtr_jobs.read_deliveries(%s::date[], %s::uuid[])"
    assert await fetch_rows(worker, query, days, keys) == []


@pytest.mark.parametrize("is_analyzed", [False, True])
async def test_reading_deliveries_reads_those_alone(
    admin: AsyncConnection, is_analyzed: bool
) -> None:
    """Twenty of 40,000, by the key of the one partition that they are in."""
    await admin.execute(
        """
        insert into gtr_jobs.deliveries (day, dedupe_key, kind, channel, state, outcome, job_id, trace_id)
        select %s::date + n %% 2, gen_random_uuid(), 'message', 'push', 'sent', 'accepted', n, 'a'
        from generate_series(1, 40000) as n
        """,
        (TODAY,),
    )
    if is_analyzed:
        await admin.execute("analyze gtr_jobs.deliveries")
    rows = await fetch_rows(
        admin, "select dedupe_key from gtr_jobs.deliveries where day = %s limit 20", TODAY
    )
    keys = [key for (key,) in rows]
    reads = await reads_of(admin, "select gtr_jobs.read_deliveries(%s, %s)", [TODAY], keys)
    assert reads.tables == {}
    assert reads.indexes == {f"gtr_jobs.deliveries_{TODAY:%Y%m%d}_pkey": 20}
