"""What is too old goes, in small parts, and nobody waits for it."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value

DELIVERY = """
    insert into gtr_jobs.deliveries (day, dedupe_key, kind, channel, state, outcome, job_id, trace_id)
    values (%s, gen_random_uuid(), 'message', 'push', 'sent', 'accepted', 1, 't')
"""
HISTORY = """
    insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
    values (%s, %s, 'push', 'message', 'done', 1, 't', now())
"""


@pytest.fixture
async def today(admin: AsyncConnection) -> date:
    """The database's day in UTC."""
    day: date = await fetch_value(admin, "select (now() at time zone 'utc')::date")
    return day


async def _make_partition(admin: AsyncConnection, table: str, day: date) -> str:
    name = f"{table}_{day:%Y%m%d}"
    await admin.execute(
        f"create table gtr_jobs.{name} partition of gtr_jobs.{table}"
        f" for values from ('{day}') to ('{day + timedelta(days=1)}')".encode()
    )
    return name


async def _drop(worker: AsyncConnection, table: str, days: int) -> str | None:
    name: str | None = await fetch_value(
        worker, "select gtr_jobs.drop_old_partition(%s, %s)", table, days
    )
    return name


async def _forget(worker: AsyncConnection, what: str, days: int, limit: int = 100) -> int:
    return int(
        await fetch_value(worker, "select gtr_jobs.forget_rows(%s, %s, %s)", what, days, limit)
    )


@pytest.mark.parametrize("table", ["deliveries", "job_history"])
async def test_old_partitions_go_one_by_one_the_oldest_first(
    admin: AsyncConnection, worker: AsyncConnection, today: date, table: str
) -> None:
    """With their rows; what is as old as is kept stays, and so do the days ahead."""
    old = await _make_partition(admin, table, today - timedelta(days=31))
    older = await _make_partition(admin, table, today - timedelta(days=40))
    kept = await _make_partition(admin, table, today - timedelta(days=30))
    before = await fetch_value(
        admin,
        "select count(*) from pg_inherits where inhparent = %s::regclass",
        f"gtr_jobs.{table}",
    )
    assert [await _drop(worker, table, 30) for _ in range(3)] == [older, old, None]
    assert await fetch_value(admin, "select to_regclass(%s) is not null", f"gtr_jobs.{kept}")
    after = await fetch_value(
        admin,
        "select count(*) from pg_inherits where inhparent = %s::regclass",
        f"gtr_jobs.{table}",
    )
    assert after == before - 2


async def test_a_partition_in_use_is_left_and_nobody_waits_long_behind_it(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase, today: date
) -> None:
    """A backup reads the ledger: the worker gives up, and an ack that comes meanwhile goes through."""
    name = await _make_partition(admin, "deliveries", today - timedelta(days=100))
    async with await database.connect_async() as backup, backup.transaction():
        await backup.execute("select count(*) from gtr_jobs.deliveries")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await _drop(worker, "deliveries", 30)
        await admin.execute("set lock_timeout = '5s'")
        await admin.execute(DELIVERY, (today,))
    assert await _drop(worker, "deliveries", 30) == name


@pytest.mark.parametrize("what", ["deliveries", "job_history"])
async def test_rows_of_a_default_partition_go_by_their_day(
    admin: AsyncConnection, worker: AsyncConnection, today: date, what: str
) -> None:
    """At most so many at a time; those that are kept stay."""
    days = [today - timedelta(days=n) for n in (50, 40, 31, 30)]
    for number, day in enumerate(days):
        if what == "deliveries":
            await admin.execute(DELIVERY, (day,))
        else:
            await admin.execute(HISTORY, (day, number))
    assert [await _forget(worker, what, 30, limit=2) for _ in range(3)] == [2, 1, 0]
    assert await fetch_rows(admin, f"select day from gtr_jobs.{what}") == [(days[-1],)]


@pytest.mark.parametrize(
    ("what", "insert", "left"),
    [
        (
            "enqueue_errors",
            (
                "insert into gtr_jobs.enqueue_errors (source, sqlstate, message, context, failed_at)"
                " select n::text, 'XX000', '', '', now() - make_interval(days => n) from generate_series(1, 9) as n"
            ),
            "select source from gtr_jobs.enqueue_errors order by source",
        ),
        (
            "idempotency_keys",
            (
                "insert into gtr_jobs.idempotency_keys (rpc, key, request_hash, created_at)"
                " select 'r', n::text, '', now() - make_interval(days => n) from generate_series(1, 9) as n"
            ),
            "select key from gtr_jobs.idempotency_keys order by key",
        ),
        (
            "expo_tickets",
            (
                "insert into gtr_jobs.expo_tickets (day, dedupe_key, ticket_id, device_id, registered_at, kind, args,"
                " trace_id, enqueued_at, waits_since)"
                " select now()::date, gen_random_uuid(), n::text, gen_random_uuid(), now(), 'message', '{}', 't', now(),"
                " now() - make_interval(days => n) from generate_series(1, 9) as n"
            ),
            "select ticket_id from gtr_jobs.expo_tickets order by ticket_id",
        ),
    ],
)
async def test_rows_go_by_their_age(
    admin: AsyncConnection, worker: AsyncConnection, what: str, insert: str, left: str
) -> None:
    """The oldest first, at most so many at a time."""
    await admin.execute(insert.encode())
    assert await _forget(worker, what, 4, limit=2) == 2
    assert await fetch_rows(admin, left) == [(str(n),) for n in range(1, 8)]
    assert [await _forget(worker, what, 4) for _ in range(2)] == [4, 0]
    assert await fetch_rows(admin, left) == [("1",), ("2",), ("3",)]


async def test_who_deletes_the_same_rows_is_not_waited_for(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Two workers share the work; neither stands behind the other."""
    await admin.execute(
        "insert into gtr_jobs.enqueue_errors (source, sqlstate, message, context, failed_at)"
        " select 'x', 'XX000', '', '', now() - interval '9 days' from generate_series(1, 4)"
    )
    async with await database.connect_async("gtr_worker") as other, other.transaction():
        assert await _forget(other, "enqueue_errors", 4, limit=3) == 3
        assert await _forget(worker, "enqueue_errors", 4, limit=3) == 1


@pytest.mark.parametrize(
    "what", ["audit", "dead_jobs", "devices", "search_matches", "token_owners"]
)
async def test_what_is_not_named_is_kept(worker: AsyncConnection, what: str) -> None:
    """The audit above all: no worker can take any of it away."""
    for statement in (
        "select gtr_jobs.forget_rows(%s, 30, 1)",
        "select gtr_jobs.drop_old_partition(%s, 30)",
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            await worker.execute(statement.encode(), (what,))


@pytest.mark.parametrize("days", [0, -1, None])
async def test_nothing_of_today_is_forgotten(worker: AsyncConnection, days: int | None) -> None:
    """Whatever is asked for."""
    for statement in (
        "select gtr_jobs.forget_rows('deliveries', %s, 1)",
        "select gtr_jobs.drop_old_partition('deliveries', %s)",
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            await worker.execute(statement.encode(), (days,))


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ("enqueue_errors", "enqueue_errors_failed_at"),
        ("idempotency_keys", "idempotency_keys_created_at"),
        ("expo_tickets", "expo_tickets_waiting"),
        ("outgoing", "outgoing_created_at"),
        ("delivery_reports", "delivery_reports_received_at"),
        ("deliveries_default", "deliveries_default_pkey"),
        ("job_history_default", "job_history_default_pkey"),
    ],
)
async def test_the_old_are_found_by_an_index(admin: AsyncConnection, what: str, index: str) -> None:
    """In its order, without a sort: a table of millions costs no more than the rows that go."""
    column, older = {
        "enqueue_errors": ("failed_at", "now() - interval '1 day'"),
        "idempotency_keys": ("created_at", "now() - interval '1 day'"),
        "expo_tickets": ("waits_since", "now() - interval '1 day'"),
        "outgoing": ("created_at", "now() - interval '1 day'"),
        "delivery_reports": ("received_at", "now() - interval '1 day'"),
        "deliveries_default": ("day, dedupe_key", "current_date"),
        "job_history_default": ("day, job_id", "current_date"),
    }[what]
    await admin.execute("set enable_seqscan = off")
    await admin.execute("set enable_bitmapscan = off")
    plan = await fetch_rows(
        admin,
        f"explain select ctid from gtr_jobs.{what} where {column.split(',')[0]} < {older}"
        f" order by {column} limit 100 for update skip locked",
    )
    text = "\n".join(line for (line,) in plan)
    assert f"using {index}" in text
    assert "Sort" not in text


async def test_old_texts_and_reports_go(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """What was asked for, or told, longer ago; the rest stays."""
    await admin.execute(
        "insert into gtr_jobs.outgoing (channel, template, user_id, expires_at, created_at)"
        " select 'sms', 'event_reminder', gen_random_uuid(), now(), now() - make_interval(days => age)"
        " from unnest(array[29, 31]) as age"
    )
    await admin.execute(
        "insert into gtr_jobs.delivery_reports"
        " select gen_random_uuid(), 'SM1', 'sent', '', now(), now() - make_interval(days => age)"
        " from unnest(array[29, 31]) as age"
    )
    for table in ("outgoing", "delivery_reports"):
        assert [await _forget(worker, table, 30) for _ in range(2)] == [1, 0]
        assert await fetch_value(admin, f"select count(*) from gtr_jobs.{table}") == 1
