"""A database that goes away and comes back: by order, by a crash, as another server, or read-only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from chaos.scene import Scene, open_scene
from support.clusters import follow, promote, start_project
from support.command_line import run_command

from gtr_jobs.dev.postgres import EmbeddedServer
from gtr_jobs.dev.postgres_cluster import ShutdownMode
from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(180)


async def _until_sent(scene: Scene, more: int) -> None:
    await scene.providers.ledger.wait_for(scene.providers.ledger.total + more, timeout=60)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_workers_outlive_a_restart_of_the_database(
    scene: Scene, durable_server: EmbeddedServer, mode: ShutdownMode
) -> None:
    """Fault 7: two restarts under load; no worker ends, each warns once an outage, and all goes on."""
    await scene.crew.supervise(2)
    first = scene.crew.alive
    async with scene.load(rate=50):
        for _ in range(2):
            await _until_sent(scene, 60)
            await asyncio.to_thread(durable_server.restart, mode)
            scene.strike(f"restart {mode}")
        await _until_sent(scene, 60)
    still_running = [hand.is_running for hand in first]

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert still_running == [True, True]
    for hand in first:
        away, back = (
            len(hand.process.records_of(event))
            for event in (events.DATABASE_AWAY, events.DATABASE_BACK)
        )
        assert 1 <= away <= 4
        assert away - back <= 1


async def test_a_read_only_database_is_waited_for(scene: Scene) -> None:
    """Class 25006: nothing can be claimed or acked meanwhile; then all that was sent is acked, once."""
    await scene.crew.supervise(2)
    async with scene.load(rate=50):
        await _until_sent(scene, 60)
        await scene.fetch("alter system set default_transaction_read_only = on")
        await scene.fetch("select pg_reload_conf()")
        await asyncio.sleep(3)
        await scene.fetch("alter system reset default_transaction_read_only")
        await scene.fetch("select pg_reload_conf()")
        scene.strike("read-only")
        await _until_sent(scene, 60)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0
    assert scene.crew.records_of(events.DATABASE_AWAY)


async def test_a_standby_that_is_promoted_takes_over_with_everything(tmp_path: Path) -> None:
    """Fault 8: the primary is killed and a synchronous standby promoted; workers find it by themselves.

    They send nothing until an operator has looked at it: a standby may have missed what was sent.
    """
    with (
        start_project(tmp_path / "primary") as primary,
        follow(primary.server, tmp_path / "standby") as standby,
    ):
        old, new = primary.port, standby.address.port
        both = f"127.0.0.1:{old},127.0.0.1:{new}/"
        dsn = primary.database.worker_dsn.replace(f"127.0.0.1:{old}/", both)
        async with open_scene(
            primary.database, tmp_path, GTR_DATABASE_URL=f"{dsn}?target_session_attrs=read-write"
        ) as scene:
            await scene.fetch("alter system set synchronous_standby_names = '*'")
            await scene.fetch("select pg_reload_conf()")
            await scene.crew.supervise(2)
            async with scene.load(rate=50):
                await _until_sent(scene, 60)
            await asyncio.to_thread(primary.server.go_down, "immediate")
            await asyncio.to_thread(promote, standby)
            await asyncio.to_thread(_make_alone, standby)
            scene.move_to(standby.address)
            scene.strike("failover")
            await scene.writer.write(50)
            for hand in scene.crew.alive:
                await scene.until_said(hand, events.SENDING_PAUSED)
            sent_before = scene.providers.ledger.total
            await asyncio.to_thread(_acknowledge, scene)

            verdict = await scene.finish()

            assert not verdict.findings, str(verdict)
            assert scene.providers.ledger.total > sent_before


def _acknowledge(scene: Scene) -> None:
    """Say what an operator says."""
    settings = {"GTR_ADMIN_DATABASE_URL": scene.database.dsn}
    ended = run_command("resume", "--acknowledge", settings=settings)
    assert ended.code == 0, ended.err


def _make_alone(standby: EmbeddedServer) -> None:
    """Let commits wait for no standby any more."""
    with psycopg.connect(standby.address.superuser_dsn(), autocommit=True) as connection:
        connection.execute("alter system set synchronous_standby_names = ''")
        connection.execute("select pg_reload_conf()")
