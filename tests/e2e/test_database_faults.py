"""The database goes away, is cut off, or takes no writes: the worker waits, says so once, and goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psycopg
import pytest
from support.chats import WORKING_AGAIN_SECONDS, Chat
from support.clusters import mount_memory
from support.proxy import Forward, LoseReply, Proxy, ResetAt, Stall

from gtr_jobs.dev.postgres_cluster import ShutdownMode
from gtr_jobs.dev.worker_process import WorkerProcess

pytestmark = pytest.mark.timeout(180)


def _count(worker: WorkerProcess, event: str) -> int:
    return len([record for record in worker.records if record["event"] == event])


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_worker_outlives_a_restart(chat: Chat, mode: ShutdownMode) -> None:
    """One warning, one word that it is back, and messages go out within ten seconds."""
    worker = await chat.way.start_worker()
    await chat.write(3)
    await chat.expect_sent()
    await asyncio.to_thread(chat.project.server.go_down, mode)
    await worker.wait_for_event("database.away")
    # Long enough for the waits to reach their limit.
    await asyncio.sleep(8)
    await asyncio.to_thread(chat.project.server.come_up)
    await chat.write(3)
    await chat.expect_sent()
    await worker.wait_for_event("database.back", WORKING_AGAIN_SECONDS)
    await chat.expect_each_once()
    assert (_count(worker, "database.away"), _count(worker, "database.back")) == (1, 1)
    assert _count(worker, "database.sending_paused") == 0
    assert await worker.stop() == 0


async def test_a_worker_waits_for_a_database_that_takes_no_writes(chat: Chat) -> None:
    """Read-only, as a full Supabase project is: nothing is sent until it takes writes again."""
    worker = await chat.way.start_worker()
    await chat.write()
    await chat.expect_sent()
    await chat.way.wait_until_settled()
    chat.project.run("alter system set default_transaction_read_only = on")
    chat.project.run("select pg_reload_conf()")
    away = await worker.wait_for_event("database.away")
    assert away["sqlstate"] == "25006"
    await chat.write(2)
    with psycopg.connect(chat.project.database.superuser_dsn, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("alter system reset default_transaction_read_only")
        connection.execute("select pg_reload_conf()")
    await chat.expect_sent()
    await worker.wait_for_event("database.back", WORKING_AGAIN_SECONDS)
    await chat.expect_each_once()
    assert _count(worker, "database.away") == 1
    assert await worker.stop() == 0


async def test_a_worker_waits_for_a_full_disk_to_be_emptied(chat: Chat, tmp_path: Path) -> None:
    """No page can be added: what was claimed is not lost, and goes on when there is room."""
    # Where the server's own user may write.
    folder = chat.project.server.cluster.runtime / "small"
    try:
        with mount_memory(folder, 64):
            await _fill_and_empty(chat, folder)
    except PermissionError as error:
        pytest.skip(f"no file system can be mounted here: {error}")


async def _fill_and_empty(chat: Chat, folder: Path) -> None:
    space = folder / "space"
    space.mkdir()
    if chat.project.server.cluster.run_as:
        os.chown(space, *chat.project.server.cluster.run_as)
    chat.project.run(f"create tablespace small location '{space}'")
    # Where every end of a job adds a row.
    chat.project.run(
        "do $$ declare t text; begin for t in select format('%I.%I', schemaname, tablename)"
        " from pg_tables where schemaname = 'gtr_jobs' and tablename like 'job_history_2%'"
        " loop execute 'alter table ' || t || ' set tablespace small'; end loop; end $$"
    )
    worker = await chat.way.start_worker()
    filler = folder / "filler"
    free = os.statvfs(folder)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize)
    # More than the last page of the history holds: the end of some cannot be written.
    async with await chat.way.database.connect_async() as connection:
        async with asyncio.timeout(15):
            while not _count(worker, "database.away"):
                await connection.execute(
                    "select gtr_jobs.enqueue(array(select gtr_jobs.job('message',"
                    " jsonb_build_object('id', gen_random_uuid()), n::text || random()::text)"
                    " from generate_series(1, 20) as n))"
                )
                await asyncio.sleep(0.02)
    away = await worker.wait_for_event("database.away", 15)
    assert away["sqlstate"] == "53100"
    filler.unlink()
    await chat.way.wait_until_settled()
    await worker.wait_for_event("database.back", WORKING_AGAIN_SECONDS)
    await chat.write()
    await chat.expect_sent()
    await chat.expect_each_once()
    assert await worker.stop() == 0


@pytest.mark.parametrize("fault", ["stalled network", "stopped backends"])
async def test_a_worker_whose_database_never_answers_ends_and_another_goes_on(
    chat: Chat, fault: str
) -> None:
    """Exit 70 after 20 seconds, with one line; a second worker does what it held within 60."""
    async with Proxy("127.0.0.1", chat.project.port) as proxy:
        first = await chat.way.start_worker(GTR_DATABASE_URL=chat.project.dsn_through(proxy.port))
        await chat.write()
        await chat.expect_sent()
        await chat.way.wait_until_settled()
        began = asyncio.get_running_loop().time()
        backends = await _backends(chat)
        if fault == "stalled network":
            proxy.mode = Stall()
        else:
            _signal_all(backends, signal.SIGSTOP)
        try:
            assert await first.wait() == 70
        finally:
            if fault == "stopped backends":
                _signal_all(backends, signal.SIGCONT)
        # The heart beats every 5 seconds, and 20 later it is known that nobody answers.
        assert 15 <= asyncio.get_running_loop().time() - began <= 40
        silent = await first.wait_for_event("database.silent")
        assert silent["seconds"] >= 20
        await chat.write()
        second = await chat.way.start_worker()
        await chat.expect_sent()
        await chat.expect_each_once()
        assert await second.stop() == 0


async def _backends(chat: Chat) -> list[int]:
    rows = await chat.way.fetch(
        "select pid from pg_stat_activity where usename = 'gtr_worker' and pid <> pg_backend_pid()"
    )
    return [pid for (pid,) in rows]


def _signal_all(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        os.kill(process, number)


@pytest.mark.parametrize("statement", [b"claim_jobs", b"ack_accepted_pushes"])
async def test_a_reply_that_was_lost_loses_and_doubles_nothing(
    chat: Chat, statement: bytes
) -> None:
    """The claim or the end was written, and the worker never learned of it."""
    async with Proxy("127.0.0.1", chat.project.port) as proxy:
        # Nothing is prepared: a statement is known by its text.
        worker = await chat.way.start_worker(
            GTR_DATABASE_URL=chat.project.dsn_through(proxy.port),
            GTR_LISTEN_DATABASE_URL=chat.project.dsn_through(chat.project.port),
            GTR_POOL_MODE="transaction",
            GTR_QUEUES="push",
        )
        await chat.write()
        await chat.expect_sent()
        await chat.way.wait_until_settled()
        if statement == b"claim_jobs":
            # Away until there is something to claim: the reply that is lost holds jobs.
            proxy.mode = Stall()
            await chat.write(5)
            proxy.reset_all()
        proxy.mode = LoseReply(statement)
        if statement == b"ack_accepted_pushes":
            await chat.write(5)
        async with asyncio.timeout(WORKING_AGAIN_SECONDS):
            await proxy.wait_until_lost()
        await chat.expect_sent(20)
        await chat.expect_each_once()
        released = [r["released"] for r in worker.records if r["event"] == "jobs.unowned"]
        assert released == ([5] if statement == b"claim_jobs" else [])
        assert await worker.stop() == 0


async def test_connections_reset_in_the_middle_lose_and_double_nothing(chat: Chat) -> None:
    """Again and again, at another byte each time, both ways."""
    async with Proxy("127.0.0.1", chat.project.port) as proxy:
        worker = await chat.way.start_worker(GTR_DATABASE_URL=chat.project.dsn_through(proxy.port))
        for byte in (40, 200, 600, 1500):
            for direction in ("to_client", "to_server"):
                proxy.mode = ResetAt(byte, direction)
                await chat.write(2)
                await asyncio.sleep(0.3)
        proxy.mode = Forward()
        await chat.expect_sent(20)
        await chat.expect_each_once()
        assert await worker.stop() == 0
