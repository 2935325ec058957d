"""A worker works through a pooler in transaction mode, and knows that it is one."""

from __future__ import annotations

import asyncio

import psycopg
from support.people import send_message
from support.pgbouncer import run_pgbouncer
from support.way import Way

from gtr_jobs.dev.worker_process import WorkerProcess


async def _send_and_wait(way: Way, count: int) -> None:
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    chat = await way.add_conversation(mia, leo)
    for number in range(count):
        await send_message(way.connection, chat, mia.user_id, leo.user_id, f"Message {number}")
        await way.providers.ledger.wait_for(number + 1, timeout=10)
    await way.wait_until_settled()


def _warnings(worker: WorkerProcess) -> list[str]:
    return [r["warning"] for r in worker.records if r["event"] == "worker.warned"]


async def test_a_transaction_pooler_is_found_out_and_lived_with(way: Way) -> None:
    """Nothing is prepared, nobody asks to be called, jobs are found by looking; one warning names the ways out."""
    with run_pgbouncer(way.database) as pooler:
        worker = await way.start_worker(GTR_DATABASE_URL=pooler.worker_dsn)
        await _send_and_wait(way, 8)

        first, second = _warnings(worker)
        assert first.startswith("GTR_DATABASE_URL: no call came through within 1 s")
        assert "GTR_POOL_MODE=transaction" in first
        assert "GTR_LISTEN_DATABASE_URL" in second
        assert await way.fetch("select count(*) from gtr_jobs.sleeping_workers") == [(0,)]
        assert [r for r in worker.records if r["event"] == "database.away"] == []
        assert await worker.stop() == 0


async def test_told_of_a_pooler_a_worker_listens_elsewhere(way: Way) -> None:
    """GTR_LISTEN_DATABASE_URL is the direct connection: inserts wake the worker, and there is nothing to warn of."""
    with run_pgbouncer(way.database) as pooler:
        worker = await way.start_worker(
            GTR_DATABASE_URL=pooler.worker_dsn,
            GTR_LISTEN_DATABASE_URL=way.database.worker_dsn,
            GTR_POOL_MODE="transaction",
        )
        async with asyncio.timeout(10):
            while await way.fetch("select count(*) from gtr_jobs.sleeping_workers") != [(2,)]:
                await asyncio.sleep(0.05)
        await _send_and_wait(way, 2)
        assert _warnings(worker) == []
        assert await worker.stop() == 0


async def test_a_wrong_choice_is_told_at_the_start(way: Way) -> None:
    """Each way of being wrong names its setting; the worker works all the same."""
    with run_pgbouncer(way.database) as pooler:
        told_session = await way.start_worker(
            GTR_DATABASE_URL=pooler.worker_dsn, GTR_POOL_MODE="session"
        )
        listens_there = await way.start_worker(GTR_LISTEN_DATABASE_URL=pooler.worker_dsn)
        told_transaction = await way.start_worker(GTR_POOL_MODE="transaction")
        assert _warnings(told_session)[0].startswith("GTR_POOL_MODE is session, and no call")
        assert _warnings(listens_there)[0].startswith("GTR_LISTEN_DATABASE_URL: no call came")
        assert _warnings(told_transaction)[0].startswith("GTR_POOL_MODE is transaction, and")
        await _send_and_wait(way, 2)


async def test_a_session_pooler_is_as_good_as_a_connection(way: Way) -> None:
    """Calls come through, and there is nothing to warn of."""
    with run_pgbouncer(way.database, pool_mode="session", size=10) as pooler:
        worker = await way.start_worker(GTR_DATABASE_URL=pooler.worker_dsn)
        await _send_and_wait(way, 2)
        assert _warnings(worker) == []


async def test_a_worker_outlives_its_poolers_restart(way: Way) -> None:
    """It warns once, and sends within ten seconds of the pooler's return."""
    with run_pgbouncer(way.database) as pooler:
        worker = await way.start_worker(
            GTR_DATABASE_URL=pooler.worker_dsn, GTR_POOL_MODE="transaction"
        )
        await asyncio.to_thread(pooler.stop)
        await worker.wait_for_event("database.away")
        await asyncio.to_thread(pooler.start)
        await _send_and_wait(way, 1)
        await worker.wait_for_event("database.back", 12)
        assert len([r for r in worker.records if r["event"] == "database.away"]) == 1
        assert await worker.stop() == 0


async def test_an_exhausted_pooler_is_waited_for(way: Way) -> None:
    """Somebody else holds its only connections for longer than it lets clients wait: then it goes on."""
    with run_pgbouncer(way.database, size=1) as pooler:
        worker = await way.start_worker(
            GTR_DATABASE_URL=pooler.worker_dsn, GTR_POOL_MODE="transaction"
        )
        async with await psycopg.AsyncConnection.connect(pooler.worker_dsn) as hog:
            await hog.execute("select 1", prepare=False)
            away = await worker.wait_for_event("database.away")
            assert away["sqlstate"] in {"08P01", "none"}
        await _send_and_wait(way, 1)
        await worker.wait_for_event("database.back", 12)
        assert await worker.stop() == 0
