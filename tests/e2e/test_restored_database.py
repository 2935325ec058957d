"""A database that is another one than it was, or an older one: nothing is sent until an operator says so."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.chats import WORKING_AGAIN_SECONDS, Chat
from support.clusters import follow, promote
from support.command_line import Ended
from support.operator import operate
from support.texting import create_texter, notify_sms, sms_settings

from gtr_jobs.dev.worker_process import WorkerProcess

pytestmark = pytest.mark.timeout(180)

PATIENCE_SECONDS = 20.0

PAUSED = "sending is paused"


def _operate(chat: Chat, *arguments: str) -> Ended:
    return operate(chat.way.database, *arguments)


async def _wait_for_looks(chat: Chat) -> None:
    """Wait until a worker has looked again, so that it has seen a later time than a copy made before."""
    ((before,),) = await chat.way.fetch("select max(pulse) from gtr_jobs.lineage_witnesses")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await chat.way.fetch("select max(pulse) from gtr_jobs.lineage_witnesses") == [
            (before,)
        ]:
            await asyncio.sleep(0.05)


async def _expect_reasons(worker: WorkerProcess, reasons: list[str]) -> None:
    """See that a worker says why it sends nothing."""
    paused = await worker.wait_for_event("database.sending_paused", PATIENCE_SECONDS)
    assert set(paused["reasons"]) >= set(reasons)
    assert "gtr-jobs resume --acknowledge" in paused["hint"]


async def _expect_paused(chat: Chat, worker: WorkerProcess, reasons: list[str]) -> None:
    """See that it can be learned wherever one may look why nothing is sent."""
    await _expect_reasons(worker, reasons)
    address = (await worker.wait_for_event("worker.started"))["http"]
    body = await asyncio.to_thread(_get, f"{address}/readyz")
    (detail,) = json.loads(body)["details"]["sending"]
    assert detail.startswith(PAUSED)
    assert "gtr_db_timeline_changed 1.0" in await asyncio.to_thread(_get, f"{address}/metrics")
    shown = await asyncio.to_thread(_operate, chat, "queues")
    assert shown.out.startswith(PAUSED)
    listed: dict[str, Any] = json.loads(
        (await asyncio.to_thread(_operate, chat, "queues", "--json")).out
    )
    assert set(listed["sending_paused"]["reasons"]) >= set(reasons)
    status = await asyncio.to_thread(_operate, chat, "db", "status")
    assert "paused: " in status.out


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def _resume(chat: Chat) -> None:
    ended = await asyncio.to_thread(_operate, chat, "resume", "--acknowledge", "--reason", "looked")
    assert (ended.code, ended.err) == (0, "")
    assert "sending goes on" in ended.out


async def test_a_recovery_to_a_point_in_time_pauses_what_is_sent(
    chat: Chat, tmp_path: Path
) -> None:
    """A new timeline and an older ledger: all who look are told, and an audited word lets it go on."""
    worker = await chat.way.start_worker()
    await chat.write()
    await chat.expect_sent()
    await chat.way.wait_until_settled()
    await asyncio.to_thread(chat.project.keep_copy, tmp_path / "copy")
    await chat.write()
    await chat.expect_sent()
    await chat.way.wait_until_settled()
    await _wait_for_looks(chat)
    await asyncio.to_thread(chat.project.put_back, tmp_path / "copy", on_new_timeline=True)
    await chat.write()

    await _expect_paused(chat, worker, ["timeline", "ledger"])
    newcomer = await chat.way.start_worker()
    await newcomer.wait_for_event("database.sending_paused")
    asked = await asyncio.to_thread(_operate, chat, "resume")
    assert (asked.code, asked.out) == (2, "")
    assert PAUSED in asked.err
    await asyncio.sleep(2)
    assert chat.way.providers.ledger.total == 2

    await _resume(chat)
    await chat.expect_sent()
    for one in (worker, newcomer):
        await one.wait_for_event("database.sending_resumed")
    audit = await chat.way.fetch(
        "select action, reason, detail ->> 'timeline_was', detail ->> 'timeline' from gtr_jobs.audit"
    )
    assert audit == [("resume", "looked", "1", "2")]
    again = await asyncio.to_thread(_operate, chat, "resume", "--acknowledge")
    assert (again.code, "was not paused" in again.out) == (0, True)


async def test_an_older_copy_sends_no_text_by_itself(chat: Chat, tmp_path: Path) -> None:
    """What was still to be sent when the copy was made has been sent since: it waits for a word."""
    way = chat.way
    settings = sms_settings(way) | {"GTR_QUEUES": "sms"}
    async with await way.database.connect_async() as connection:
        await notify_sms(connection, await create_texter(connection, "kim"))
    await asyncio.to_thread(chat.project.keep_copy, tmp_path / "copy")
    worker = await way.start_worker(**settings)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await way.fetch("select 1 from gtr_jobs.jobs where queue = 'sms'"):
            await asyncio.sleep(0.05)
    assert len(way.providers.twilio.messages) == 1
    await _wait_for_looks(chat)
    await asyncio.to_thread(chat.project.put_back, tmp_path / "copy", on_new_timeline=True)

    await _expect_reasons(worker, ["ledger"])
    newcomer = await way.start_worker(**settings)
    await newcomer.wait_for_event("database.sending_paused", PATIENCE_SECONDS)
    await asyncio.sleep(2)
    assert len(way.providers.twilio.messages) == 1
    assert await way.fetch("select count(*) from gtr_jobs.jobs where queue = 'sms'") == [(1,)]


async def test_a_disk_that_was_put_back_is_noticed_by_who_remembers(
    chat: Chat, tmp_path: Path
) -> None:
    """The same timeline, the same server, an older ledger: a worker's memory knows, or its file does."""
    state = tmp_path / "state.json"
    worker = await chat.way.start_worker(GTR_STATE_FILE=str(state))
    await asyncio.to_thread(chat.project.keep_copy, tmp_path / "copy")
    await _wait_for_looks(chat)
    await asyncio.to_thread(chat.project.put_back, tmp_path / "copy", on_new_timeline=False)
    await _expect_reasons(worker, ["ledger"])
    assert await worker.stop() == 0

    await asyncio.to_thread(chat.project.put_back, tmp_path / "copy", on_new_timeline=False)
    forgetful = await chat.way.start_worker()
    await chat.write()
    await chat.expect_sent()
    assert await forgetful.stop() == 0
    remembering = await chat.way.start_worker(GTR_STATE_FILE=str(state))
    await _expect_reasons(remembering, ["ledger"])
    await chat.write()
    await _resume(chat)
    await chat.expect_sent()


async def test_a_failover_is_followed_and_pauses_what_is_sent(chat: Chat, tmp_path: Path) -> None:
    """The worker finds the new primary by itself; what does not send goes on, what sends waits for a word."""
    with follow(chat.project.server, tmp_path / "standby") as standby:
        there, here = standby.address.port, chat.project.port
        one = chat.way.database.worker_dsn
        several = one.replace(f"@127.0.0.1:{here}/", f"@127.0.0.1:{here},127.0.0.1:{there}/")
        worker = await chat.way.start_worker(
            GTR_DATABASE_URL=f"{several}?target_session_attrs=read-write"
        )
        await chat.write()
        await chat.expect_sent()
        await chat.way.wait_until_settled()
        await _wait_for_standby(chat, standby.address.superuser_dsn())
        await asyncio.to_thread(chat.project.server.go_down, "immediate")
        await worker.wait_for_event("database.away")
        await asyncio.to_thread(promote, standby)
        paused = await worker.wait_for_event("database.sending_paused", WORKING_AGAIN_SECONDS)
        assert paused["reasons"] == ["timeline"]
        await worker.wait_for_event("database.back", WORKING_AGAIN_SECONDS)

        chat.way.database = replace(chat.way.database, server=standby.address)
        await chat.write()
        await asyncio.sleep(1)
        assert chat.way.providers.ledger.total == 1
        await _resume(chat)
        await chat.expect_sent()
        await chat.expect_each_once()
        assert len([r for r in worker.records if r["event"] == "database.away"]) == 1
        assert await worker.stop() == 0


async def _wait_for_standby(chat: Chat, dsn: str) -> None:
    """Wait until a standby has all that was committed: nothing of it is lost then."""
    ((written,),) = await chat.way.fetch("select pg_current_wal_flush_lsn()::text")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        async with asyncio.timeout(10):
            while True:
                cursor = await connection.execute(
                    "select pg_last_wal_replay_lsn() >= %s::pg_lsn", [written]
                )
                if await cursor.fetchone() == (True,):
                    return
                await asyncio.sleep(0.05)
