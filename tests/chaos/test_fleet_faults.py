"""Many workers on one queue, workers of two versions, and a migration while they work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaos.scene import Scene
from support.command_line import run_command

from gtr_jobs.dev.standins.script import FOR_EVER, Slow
from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(180)

_TOMORROW = {"GTR_APP": "chaos.tomorrow:app", "PYTHONPATH": str(Path(__file__).parents[1])}


async def _share(scene: Scene, workers: int, rows: int) -> None:
    for standin in (scene.providers.fcm, scene.providers.apns):
        standin.script.add(Slow(0.02), times=FOR_EVER)
    for _ in range(workers):
        await scene.crew.start("--concurrency", "20")
    await scene.writer.write(rows)
    await scene.until_settled(120)


async def test_four_workers_do_each_job_once(scene: Scene) -> None:
    """Fault 29: all of them claim from one queue; nobody waits for another, nothing is sent twice."""
    await _share(scene, 4, 400)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (400, 0)
    for hand in scene.crew.hands:
        assert hand.process.records_of(events.PUSH_ATTEMPTED)


@pytest.mark.chaos
async def test_twenty_workers_do_each_job_once(scene: Scene) -> None:
    """Fault 29: twenty processes and ten thousand jobs."""
    await _share(scene, 20, 10_000)

    verdict = await scene.finish(seconds=120)

    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (10_000, 0)


async def test_jobs_of_a_newer_version_wait_for_a_newer_worker(duo: Scene) -> None:
    """Fault 30: an old worker parks what it does not know, with no attempt used; a new one sends it."""
    await _migrate(duo, **_TOMORROW)
    old = await duo.crew.start(GTR_LOG_LEVEL="debug")
    await duo.fetch(
        "insert into public.notifications (user_id, type, title) values (%s, 'of_tomorrow', 'New')",
        duo.cast.members[0].user_id,
    )
    await duo.until_said(old, events.JOB_ENDED)
    parked = await duo.fetch("select status::text, attempts, lost_claims from gtr_jobs.jobs")
    await duo.crew.start(**_TOMORROW)
    await duo.crew.stop(old)
    await duo.skip_waits()
    await duo.until_settled()

    assert parked == [("todo", 0, 0)]
    assert await duo.fetch("select kind, state::text from gtr_jobs.deliveries") == [
        ("of_tomorrow", "sent")
    ]
    assert duo.providers.ledger.total == 1
    await duo.crew.rest()
    assert [ending.code for ending in duo.crew.endings()] == [0, 0]


async def test_a_migration_under_load_loses_and_doubles_nothing(scene: Scene) -> None:
    """Fault 35: every function is installed anew, again and again, while jobs are claimed and acked."""
    await scene.crew.supervise(2)
    async with scene.load(rate=100):
        for _ in range(3):
            await scene.fetch("update gtr_jobs.installed_files set sha256 = 'x'")
            await _migrate(scene)
            scene.strike("migration")
            await scene.providers.ledger.wait_for(scene.providers.ledger.total + 50, timeout=60)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0


async def _migrate(scene: Scene, **settings: str) -> None:
    ended = await asyncio.to_thread(
        run_command,
        "db",
        "migrate",
        settings={"GTR_ADMIN_DATABASE_URL": scene.database.dsn, **settings},
        timeout=60,
    )
    assert ended.code == 0, ended.err
