"""What tests break things with breaks them as it says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from support.clusters import follow, promote, start_project
from support.databases import ProjectDatabase
from support.proxy import Forward, LoseReply, Mode, Proxy, Refuse, ResetAt, Stall

TIMELINE = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"


async def _connect(database: ProjectDatabase, proxy: Proxy) -> psycopg.AsyncConnection:
    dsn = database.worker_dsn.replace(f":{database.server.port}/", f":{proxy.port}/")
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=2)


async def test_a_proxy_forwards_stalls_and_forwards_again(database: ProjectDatabase) -> None:
    """What was stalled stays silent; a new connection gets through."""
    async with Proxy(database.server.host, database.server.port) as proxy:
        connection = await _connect(database, proxy)
        assert await (await connection.execute("select 1")).fetchone() == (1,)
        proxy.mode = Stall()
        asking = asyncio.create_task(connection.execute("select 2"))
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            await _connect(database, proxy)
        proxy.mode = Forward(delay=0.01)
        async with await _connect(database, proxy) as other:
            assert await (await other.execute("select 3")).fetchone() == (3,)
        assert not asking.done()
        proxy.reset_all()
        with pytest.raises(psycopg.OperationalError):
            await asking
        await connection.close()


@pytest.mark.parametrize("mode", [Refuse(), ResetAt(20), ResetAt(20, "to_server")])
async def test_a_proxy_resets(database: ProjectDatabase, mode: Mode) -> None:
    """Before a connection is made, or in the middle of a message, either way."""
    async with Proxy(database.server.host, database.server.port) as proxy:
        proxy.mode = mode
        with pytest.raises(psycopg.OperationalError):
            await _connect(database, proxy)
        proxy.mode = Forward()
        await (await _connect(database, proxy)).close()


async def test_a_proxy_loses_a_reply_to_what_was_done(database: ProjectDatabase) -> None:
    """The statement was committed, and whoever asked learns of a broken connection only."""
    async with Proxy(database.server.host, database.server.port) as proxy:
        connection = await _connect(database, proxy)
        proxy.mode = LoseReply(b"register_worker")
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("select gtr_jobs.register_worker()")
        await proxy.wait_until_lost()
        await connection.close()
    async with await database.connect_async() as admin:
        cursor = await admin.execute("select count(*) from procrastinate.procrastinate_workers")
        assert await cursor.fetchone() == (1,)


@pytest.mark.timeout(90)
def test_a_standby_follows_and_is_promoted_and_a_copy_is_put_back(tmp_path: Path) -> None:
    """A promotion begins a new timeline; so does a recovery, and a disk that was put back does not."""
    with start_project(tmp_path / "primary") as project:
        project.run("create table public.before (a int)")
        with follow(project.server, tmp_path / "standby") as standby:
            promote(standby)
            with psycopg.connect(
                standby.address.superuser_dsn(project.database.name)
            ) as connection:
                assert connection.execute(TIMELINE).fetchone() == ("00000002",)
                assert connection.execute("select * from public.before").fetchall() == []
        project.keep_copy(tmp_path / "copy")
        project.run("create table public.after (a int)")
        for is_recovered, timeline in ((False, "00000001"), (True, "00000002")):
            project.put_back(tmp_path / "copy", on_new_timeline=is_recovered)
            with psycopg.connect(project.database.superuser_dsn) as connection:
                assert connection.execute(TIMELINE).fetchone() == (timeline,)
                row = connection.execute("select to_regclass('public.after') is null").fetchone()
                assert row == (True,)
