"""Connections between worker and database that break, lose a reply, fall silent or are slow."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from chaos.black_hole import PORT, Link, open_link
from chaos.scene import Scene, open_scene
from support.databases import ProjectDatabase
from support.pgbouncer import run_pgbouncer
from support.proxy import Forward, LoseReply, Proxy, ResetAt, Stall

from gtr_jobs.dev.postgres import EmbeddedServer
from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(180)


async def _until_sent(scene: Scene, more: int) -> None:
    await scene.providers.ledger.wait_for(scene.providers.ledger.total + more, timeout=60)


async def test_killed_backends_lose_and_double_nothing(scene: Scene) -> None:
    """Fault 11: every connection of the workers is ended at the server, again and again under load."""
    await scene.crew.supervise(2)
    async with scene.load(rate=50):
        for _ in range(5):
            await _until_sent(scene, 40)
            await scene.end_backends()
            scene.strike("backends ended")

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0


async def test_connections_reset_at_any_byte_lose_and_double_nothing(
    distant: Scene, proxy: Proxy
) -> None:
    """Fault 11: every connection is cut in the middle of what the database answers, wherever that is."""
    chance = random.Random(11)
    await distant.crew.supervise(2)
    async with distant.load(rate=50):
        for _ in range(8):
            proxy.mode = ResetAt(chance.randint(1, 4_000))
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            proxy.mode = Forward()
            distant.strike("reset")
            await _until_sent(distant, 20)

    verdict = await distant.finish()

    assert not verdict.findings, str(verdict)


@pytest.mark.parametrize(
    "function", ["gtr_jobs.claim_jobs", "gtr_jobs.ack_jobs", "gtr_jobs.ack_accepted_pushes"]
)
async def test_a_lost_answer_to_a_claim_or_an_ack_is_made_up_for(
    distant: Scene, proxy: Proxy, function: str
) -> None:
    """Fault 11: the statement was done and its answer thrown away; no job stays behind, none is sent twice."""
    hand = await distant.crew.start()
    for _ in range(3):
        proxy.mode = LoseReply(function.encode())
        await distant.writer.write(20)
        await proxy.wait_until_lost()
        distant.strike("reply lost")
        await distant.until_settled()

    verdict = await distant.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0
    assert hand.process.records_of(events.DATABASE_AWAY)


async def test_a_slow_network_doubles_nothing_and_rescues_nobody(
    distant: Scene, proxy: Proxy
) -> None:
    """Fault 14: half a second a round trip; work takes longer, and nobody is taken for dead."""
    proxy.mode = Forward(delay=0.25)
    for _ in range(2):
        await distant.crew.start()
    async with distant.load(rate=30):
        await _until_sent(distant, 150)

    verdict = await distant.finish()

    assert not verdict.findings, str(verdict)
    assert (verdict.resent, distant.crew.records_of(events.JOBS_RESCUED)) == (0, [])


@pytest.mark.chaos
async def test_a_silent_network_ends_workers_and_loses_nothing(
    distant: Scene, proxy: Proxy
) -> None:
    """Fault 13: bytes are acknowledged and go nowhere; workers end with 70, new ones take over."""
    await distant.crew.supervise(2)
    async with distant.load(rate=50):
        await _until_sent(distant, 50)
        first = distant.crew.alive
        proxy.mode = Stall()
        async with asyncio.timeout(60):
            while any(hand.is_running for hand in first):
                await asyncio.sleep(0.1)
        proxy.mode = Forward()
        # What was silent once stays so.
        proxy.reset_all()
        distant.strike("silent network")
        await _until_sent(distant, 50)

    verdict = await distant.finish(may_lose_database=True)

    assert not verdict.findings, str(verdict)
    assert {hand.code for hand in first} == {70}


async def test_vanished_packets_end_workers_and_lose_nothing(
    durable_server: EmbeddedServer, durable_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Fault 12: the link is down and nobody says so; workers end with 70, new ones take over when it is up."""
    try:
        with open_link(durable_server) as link:
            await _cut_under_load(link, durable_database, tmp_path)
    except PermissionError as error:
        pytest.skip(f"no network can be made here: {error}")


async def _cut_under_load(link: Link, database: ProjectDatabase, folder: Path) -> None:
    dsn = database.worker_dsn.replace(
        f"{database.server.host}:{database.server.port}/", f"{link.host}:{PORT}/"
    )
    async with open_scene(database, folder, GTR_DATABASE_URL=dsn) as scene:
        await scene.crew.supervise(2)
        first = scene.crew.alive
        async with scene.load(rate=30):
            await _until_sent(scene, 40)
            link.cut()
            async with asyncio.timeout(60):
                while any(hand.is_running for hand in first):
                    await asyncio.sleep(0.1)
            link.mend()
            scene.strike("vanished packets")
            await _until_sent(scene, 40)

        verdict = await scene.finish(may_lose_database=True)

    assert not verdict.findings, str(verdict)
    assert {hand.code for hand in first} == {70}


async def test_a_pooler_that_restarts_loses_and_doubles_nothing(
    durable_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Fault 15: workers behind PgBouncer in transaction mode, which ends and comes back under load."""
    with run_pgbouncer(durable_database) as pooler:
        async with open_scene(
            durable_database, tmp_path, GTR_DATABASE_URL=pooler.worker_dsn
        ) as scene:
            await scene.crew.supervise(2)
            async with scene.load(rate=30):
                for _ in range(3):
                    await _until_sent(scene, 40)
                    await asyncio.to_thread(pooler.stop)
                    await asyncio.to_thread(pooler.start)
                    scene.strike("pooler restarted")
                await _until_sent(scene, 40)

            verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0


@pytest.mark.chaos
async def test_stopped_backends_end_workers_and_lose_nothing(scene: Scene) -> None:
    """Fault 13: the server's processes stand still, and the kernel acknowledges for them."""
    hand = await scene.crew.start()
    await scene.writer.write(20)
    await scene.until_settled()
    pids = [
        int(pid)
        for (pid,) in await scene.fetch(
            "select pid from pg_stat_activity"
            " where usename = 'gtr_worker' and datname = current_database()"
        )
    ]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        await scene.writer.write(20)
        code = await scene.crew.wait(hand)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await scene.let_silence_pass(hand)
    await scene.crew.start()

    verdict = await scene.finish(may_lose_database=True)

    assert code == 70
    assert not verdict.findings, str(verdict)
