"""A database that comes to say that it is another one while a worker is on it: nothing is done there."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import psycopg
import pytest
from support.databases import DatabaseMaker, ProjectDatabase
from support.people import create_conversation, create_device, create_person, send_message
from support.way import Way

from gtr_jobs.dev.standins.screen import show

pytestmark = pytest.mark.timeout(60)
RENAME = "update gtr_jobs.installation set environment = %s"


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def test_a_worker_of_another_environment_does_not_start(way: Way) -> None:
    """As ever: exit 78, and both sides are named."""
    await way.fetch(RENAME, "production")
    with pytest.raises(Exception, match=r"GTR_ENVIRONMENT is 'test'.*'production'"):
        await way.start_worker()


async def test_a_database_that_is_renamed_is_left_alone_until_it_fits_again(way: Way) -> None:
    """Nothing is claimed, sent or forgotten; the log, the pages and the metrics say why."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    chat = await way.add_conversation(mia, leo)
    worker = await way.start_worker()
    address = (await worker.wait_for_event("worker.started"))["http"]

    await way.fetch(RENAME, "production")
    said = await worker.wait_for_event("database.foreign")
    await send_message(way.connection, chat, mia.user_id, leo.user_id, "Hello")

    why = "GTR_ENVIRONMENT is 'test', but the database says that it is 'production'"
    assert said["why"] == why
    details = json.loads(await asyncio.to_thread(_get, f"{address}/readyz"))["details"]
    assert details["database"] == [f"nothing is done: {why}"]
    assert "gtr_db_foreign 1.0" in await asyncio.to_thread(_get, f"{address}/metrics")
    # Two looks later it still waits.
    ((before,),) = await way.fetch(
        "select max(last_heartbeat) from procrastinate.procrastinate_workers"
    )
    async with asyncio.timeout(15):
        while not (
            await way.fetch(
                "select 1 from procrastinate.procrastinate_workers"
                " where last_heartbeat > %s::timestamptz + interval '1 second'",
                before,
            )
        ):
            await asyncio.sleep(0.05)
    assert await way.fetch("select status::text, attempts from gtr_jobs.jobs") == [("todo", 0)]
    assert way.providers.ledger.total == 0

    await way.fetch(RENAME, "test")
    await worker.wait_for_event("database.own_again")
    await way.wait_until_settled()
    assert [show(entry).body for entry in way.providers.ledger.entries()] == ["Hello"]


async def test_another_database_behind_the_same_address_gets_nothing_of_the_worker(
    way: Way, database_maker: DatabaseMaker
) -> None:
    """Production comes to stand where staging was: its people get nothing, and its own workers are not paused."""
    await way.start_worker()
    worker = await way.start_worker()
    with database_maker.make("installed", "new") as production:
        await _fill(production)
        await way.connection.close()

        await asyncio.to_thread(_swap, way.database, production)
        try:
            await worker.wait_for_event("database.foreign", 20)
            # Under its old name the connection leads to production now.
            async with await way.database.connect_async() as connection:
                waiting = await _rows(connection, "select status::text from gtr_jobs.jobs")
                lineage = await _rows(connection, "select paused_since from gtr_jobs.lineage")
        finally:
            await asyncio.to_thread(_swap, way.database, production)

        assert waiting == [("todo",)]
        assert lineage in ([], [(None,)])
        assert way.providers.ledger.total == 0


async def _fill(database: ProjectDatabase) -> None:
    """Make a database of production, in which a message waits."""
    async with await database.connect_async() as connection:
        await connection.execute(RENAME, ["production"])
        one = await create_person(connection, "ana", "Ana Lima")
        other = await create_person(connection, "ken", "Ken Block")
        await create_device(connection, other, "ab" * 32)
        chat = await create_conversation(connection, one, other)
        await send_message(connection, chat, one, other, "Hello")


async def _rows(connection: psycopg.AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query.encode())
    return await cursor.fetchall()


def _swap(one: ProjectDatabase, other: ProjectDatabase) -> None:
    """Have each database stand where the other was; who is connected is cut off."""
    with psycopg.connect(one.server.superuser_dsn("postgres"), autocommit=True) as connection:
        moves = [(one.name, "between"), (other.name, one.name), ("between", other.name)]
        for was, becomes in moves:
            connection.execute(f'alter database "{was}" allow_connections false'.encode())
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
                [was],
            )
            connection.execute(f'alter database "{was}" rename to "{becomes}"'.encode())
        for name in (one.name, other.name):
            connection.execute(f'alter database "{name}" allow_connections true'.encode())
