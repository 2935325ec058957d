"""gtr_jobs.read_pressure(): what keeps the queue from being cleaned up."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value, put_jobs

OLDEST = "select oldest_transaction_seconds from gtr_jobs.read_pressure()"


async def test_the_oldest_transaction_that_holds_something_is_told(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """One that reads as well as one that writes, by when it began; one that holds nothing is in nobody's way."""
    async with (
        await database.connect_async("postgres") as reader,
        await database.connect_async("postgres") as idler,
    ):
        await idler.execute("begin")
        await reader.execute("begin isolation level repeatable read")
        ((began,),) = await fetch_rows(reader, "select now()")
        assert await fetch_value(
            worker,
            "select oldest_transaction_seconds between extract(epoch from statement_timestamp() - %s)"
            " and extract(epoch from clock_timestamp() - %s) from gtr_jobs.read_pressure()",
            began,
            began,
        )
        await reader.execute("rollback")
    assert await fetch_value(worker, OLDEST) == 0


async def test_dead_rows_are_told_as_the_server_counts_them(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """They are those of the queue's table."""
    await put_jobs(admin, 40)
    await admin.execute("delete from gtr_jobs.jobs")
    await admin.execute("select pg_stat_force_next_flush()")
    assert await fetch_value(worker, "select dead_rows from gtr_jobs.read_pressure()") == 40
