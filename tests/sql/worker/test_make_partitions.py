"""gtr_jobs.make_partitions(): the ledger's days are there before they begin."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value

PARTITIONS = """
    select c.relname, pg_get_expr(c.relpartbound, c.oid)
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = %s::regclass order by c.relname
"""
STRAY = """
    insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
    values (%s, %s, 'push', 'message', 'done', 1, 'a', now())
"""


def _expected(table: str, today: date, days: int) -> list[tuple[str, str]]:
    made = []
    for offset in range(days):
        day = today + timedelta(days=offset)
        bound = f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        made.append((f"{table}_{day:%Y%m%d}", bound))
    return [*made, (f"{table}_default", "DEFAULT")]


async def _partitions(admin: AsyncConnection, table: str) -> list[tuple[str, str]]:
    rows = await fetch_rows(admin, PARTITIONS, f"gtr_jobs.{table}")
    return [(name, bound) for name, bound in rows]


async def _drop_partitions(admin: AsyncConnection) -> None:
    for table in ("deliveries", "job_history"):
        for name, bound in await _partitions(admin, table):
            if bound != "DEFAULT":
                await admin.execute(f"drop table gtr_jobs.{name}".encode())


@pytest.fixture
def today() -> date:
    """The UTC day."""
    return datetime.now(UTC).date()


async def test_installing_makes_today_and_seven_days_ahead(
    admin: AsyncConnection, today: date
) -> None:
    """The first delivery already has its own partition; each table has a default one too."""
    for table in ("deliveries", "job_history"):
        assert await _partitions(admin, table) == _expected(table, today, 8)


async def test_the_worker_makes_what_is_missing(
    admin: AsyncConnection, worker: AsyncConnection, today: date
) -> None:
    """Eight days of two tables; a second time there is nothing to do."""
    await _drop_partitions(admin)
    assert await fetch_value(worker, "select gtr_jobs.make_partitions()") == 16
    assert await fetch_value(worker, "select gtr_jobs.make_partitions()") == 0
    assert await fetch_value(worker, "select gtr_jobs.make_partitions(9)") == 4
    for table in ("deliveries", "job_history"):
        assert await _partitions(admin, table) == _expected(table, today, 10)


@pytest.mark.parametrize("days", [None, 10_000])
async def test_no_more_than_a_month_is_made(
    admin: AsyncConnection, worker: AsyncConnection, today: date, days: int | None
) -> None:
    """However far ahead somebody asks for."""
    await worker.execute("select gtr_jobs.make_partitions(%s)", (days,))
    assert await _partitions(admin, "deliveries") == _expected("deliveries", today, 32)


async def test_rows_that_came_before_their_partition_move_into_it(
    admin: AsyncConnection, worker: AsyncConnection, today: date
) -> None:
    """What reached the default partition is found again under its day; older days stay there."""
    await _drop_partitions(admin)
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    for number, day in enumerate((yesterday, today, today, tomorrow)):
        await admin.execute(STRAY, (day, number))
    await worker.execute("select gtr_jobs.make_partitions()")
    assert await fetch_rows(
        admin, "select tableoid::regclass::text, job_id from gtr_jobs.job_history order by job_id"
    ) == [
        ("gtr_jobs.job_history_default", 0),
        (f"gtr_jobs.job_history_{today:%Y%m%d}", 1),
        (f"gtr_jobs.job_history_{today:%Y%m%d}", 2),
        (f"gtr_jobs.job_history_{tomorrow:%Y%m%d}", 3),
    ]


async def test_a_new_partition_is_as_closed_and_as_indexed_as_its_table(
    admin: AsyncConnection, worker: AsyncConnection, today: date
) -> None:
    """Row level security is on, nobody else has a right on it, and it has its table's indexes."""
    await _drop_partitions(admin)
    await worker.execute("select gtr_jobs.make_partitions(0)")
    name = f"gtr_jobs.deliveries_{today:%Y%m%d}"
    assert await fetch_rows(
        admin,
        """
        select relrowsecurity, pg_get_userbyid(relowner), array(
            select grantee::regrole::text from aclexplode(relacl) where grantee <> relowner
        )
        from pg_class where oid = %s::regclass
        """,
        name,
    ) == [(True, "postgres", [])]
    assert await fetch_rows(
        admin,
        "select substring(pg_get_indexdef(indexrelid) from '\\(.*') from pg_index"
        " where indrelid = %s::regclass order by 1",
        name,
    ) == [("(day, dedupe_key)",), ("(job_id)",), ("(user_id, created_at)",)]


async def test_workers_that_start_together_make_each_partition_once(
    admin: AsyncConnection, database: ProjectDatabase, today: date
) -> None:
    """One makes them, the others wait for it and find them made."""
    await _drop_partitions(admin)

    async def make() -> int:
        async with await database.connect_async("gtr_worker") as connection:
            return int(await fetch_value(connection, "select gtr_jobs.make_partitions()"))

    assert sum(await asyncio.gather(*(make() for _ in range(4)))) == 16
    assert await _partitions(admin, "deliveries") == _expected("deliveries", today, 8)


async def test_a_row_that_is_being_written_meanwhile_is_waited_for(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase, today: date
) -> None:
    """A row that reaches the default partition while the day's own is made is moved too."""
    await _drop_partitions(admin)
    async with await database.connect_async() as writer:
        async with writer.transaction():
            await writer.execute(STRAY, (today, 1))
            making = asyncio.create_task(
                fetch_value(worker, "select gtr_jobs.make_partitions(0)"), name="making"
            )
            await _until_it_waits(admin, worker)
        assert await making == 2
    assert await fetch_rows(admin, "select tableoid::regclass::text from gtr_jobs.job_history") == [
        (f"gtr_jobs.job_history_{today:%Y%m%d}",)
    ]


async def test_making_partitions_waits_for_locks_shortly(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """While a backup holds the ledger, the worker gives up and comes back later."""
    await _drop_partitions(admin)
    async with await database.connect_async() as other, other.transaction():
        await other.execute("lock table gtr_jobs.deliveries in access share mode")
        await other.execute("lock table gtr_jobs.deliveries_default in access share mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await worker.execute("select gtr_jobs.make_partitions()")


async def _until_it_waits(admin: AsyncConnection, waiting: AsyncConnection) -> None:
    query = "select exists (select from pg_locks where pid = %s and not granted)"
    while not await fetch_value(admin, query, waiting.info.backend_pid):
        await asyncio.sleep(0.01)
