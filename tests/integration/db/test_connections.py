"""The daemon's connections: lent alive, made anew at once, and never more than there may be."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from support.databases import ProjectDatabase
from support.deaf_server import hold_port
from support.jobs import fetch_value
from support.proxy import Proxy, Stall

from gtr_jobs.db.connect import Database
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.contact import Contact


def _pool(database: ProjectDatabase, size: int = 3, **options: Any) -> ConnectionPool:
    return ConnectionPool(Database(database.worker_dsn, "GTR_DATABASE_URL"), size, **options)


async def _pid(pool: ConnectionPool) -> int:
    async with pool.connection() as connection:
        cursor = await connection.execute("select pg_backend_pid()")
        row = await cursor.fetchone()
    assert row is not None
    pid: int = row[0]
    return pid


async def test_a_connection_is_used_again(database: ProjectDatabase) -> None:
    """One after another needs one."""
    async with _pool(database) as pool:
        assert await _pid(pool) == await _pid(pool)


async def test_no_more_are_open_than_there_may_be(database: ProjectDatabase) -> None:
    """Who comes when all are lent waits for one."""
    async with _pool(database, 2) as pool:
        pids = await asyncio.gather(*(_pid(pool) for _ in range(20)))
        assert len(set(pids)) <= 2


async def test_one_that_the_server_left_while_it_rested_is_not_lent(
    database: ProjectDatabase,
) -> None:
    """Nobody is failed by a connection that this machine knows to be gone."""
    async with _pool(database) as pool, await database.connect_async() as admin:
        before = {await _pid(pool)}
        async with pool.connection(), pool.connection() as other:
            before.add(int(await fetch_value(other, "select pg_backend_pid()")))
        for pid in before:
            with psycopg.connect(database.superuser_dsn, autocommit=True) as superuser:
                superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])
        assert await fetch_value(admin, "select 1") == 1
        assert await _pid(pool) not in before


async def test_one_that_breaks_takes_those_that_rest_with_it(database: ProjectDatabase) -> None:
    """They lead to the same place: a network that lost one connection has lost the others."""
    async with _pool(database) as pool:
        async with pool.connection() as one, pool.connection() as other:
            rested = int(await fetch_value(other, "select pg_backend_pid()"))
            broken = int(await fetch_value(one, "select pg_backend_pid()"))
        with pytest.raises(psycopg.OperationalError):
            async with pool.connection() as lent:
                await lent.execute("select pg_terminate_backend(pg_backend_pid())")
        assert await _pid(pool) not in {rested, broken}


async def test_a_server_that_is_away_is_told_at_once(database: ProjectDatabase) -> None:
    """The borrower learns what is wrong, and may ask again; nothing is counted as unanswered."""
    contact = Contact()
    with hold_port() as port:
        dsn = database.worker_dsn.replace(f":{database.server.port}/", f":{port}/")
        pool = ConnectionPool(Database(dsn, "GTR_DATABASE_URL"), 2, contact=contact)
        for _ in range(5):
            with pytest.raises(psycopg.OperationalError, match="refused"):
                await _pid(pool)
    assert contact.unanswered() == {}


async def test_what_waits_for_the_server_is_counted(database: ProjectDatabase) -> None:
    """A statement and a connect that have begun, and nothing else."""
    contact = Contact()
    async with Proxy(database.server.host, database.server.port) as proxy:
        dsn = database.worker_dsn.replace(f":{database.server.port}/", f":{proxy.port}/")
        pool = ConnectionPool(Database(dsn, "GTR_DATABASE_URL"), 2, contact=contact)
        async with pool.connection():
            assert contact.unanswered() == {}
        proxy.mode = Stall()
        asking = [asyncio.create_task(_pid(pool)) for _ in range(2)]
        async with asyncio.timeout(10):
            while len(contact.unanswered()) < 2:
                await asyncio.sleep(0.01)
        proxy.reset_all()
        for ended in await asyncio.gather(*asking, return_exceptions=True):
            assert isinstance(ended, psycopg.OperationalError)
        assert contact.unanswered() == {}
        await pool.close()


async def test_a_connection_that_takes_no_writes_is_not_kept(database: ProjectDatabase) -> None:
    """Behind several hosts the next one may lead to the primary."""
    async with _pool(database) as pool:
        before = await _pid(pool)

        async def write_in_vain() -> None:
            async with pool.connection() as connection:
                await connection.execute("set default_transaction_read_only = on")
                await connection.execute("select gtr_jobs.register_worker()")

        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await write_in_vain()
        assert await _pid(pool) != before


async def test_a_connection_is_looked_at_before_it_is_lent(database: ProjectDatabase) -> None:
    """What the look raises is the borrower's, and the connection is closed."""
    looks: list[psycopg.AsyncConnection[Any]] = []

    async def look(connection: psycopg.AsyncConnection[Any]) -> None:
        looks.append(connection)
        if len(looks) == 1:
            raise psycopg.OperationalError("not this one")

    pool = _pool(database, on_connect=look)
    with pytest.raises(psycopg.OperationalError, match="not this one"):
        await _pid(pool)
    await _pid(pool)
    await _pid(pool)
    assert [connection.closed for connection in looks] == [True, False]
    await pool.close()
    assert looks[1].closed


async def test_a_borrower_that_is_cancelled_leaves_no_statement_behind(
    database: ProjectDatabase,
) -> None:
    """The next borrower gets a connection on which nothing runs."""
    async with _pool(database, 1) as pool:

        async def sleep() -> None:
            async with pool.connection() as connection:
                await connection.execute("select pg_sleep(60)")

        sleeping = asyncio.create_task(sleep())
        await asyncio.sleep(0.2)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        await _pid(pool)
