"""Fault 31: jobs that take their worker with them, or do not let it go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from chaos.scene import Scene, open_scene
from support.command_line import run_command
from support.databases import ProjectDatabase

from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(150)

_SETTINGS: dict[str, Any] = {
    "GTR_APP": "chaos.poison:app",
    "PYTHONPATH": str(Path(__file__).parents[1]),
}


@pytest.fixture
async def garden(durable_database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene whose workers have an app with poisonous jobs beside the pushes."""
    settings = {"GTR_ADMIN_DATABASE_URL": durable_database.dsn, **_SETTINGS}
    ended = await asyncio.to_thread(run_command, "db", "migrate", settings=settings)
    assert ended.code == 0, ended.err
    async with open_scene(
        durable_database, tmp_path, GTR_QUEUES="push,poison", **_SETTINGS
    ) as scene:
        yield scene


async def _plant(scene: Scene, kind: str) -> None:
    await scene.fetch("insert into poison.doses (kind) values (%s)", kind)


async def _until_dead(scene: Scene, kind: str) -> tuple[str, int]:
    """Wait until the job of a kind is dead; workers that ended are taken for silent at once."""
    async with asyncio.timeout(100):
        while True:
            for hand in scene.crew.hands:
                if not hand.is_running:
                    await scene.let_silence_pass(hand)
            if dead := await scene.fetch(
                "select code, attempts from gtr_jobs.dead_jobs where kind = %s", kind
            ):
                (row,) = dead
                return row
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("segfault", -11),
        ("exit", 3),
        # Three times twenty seconds.
        pytest.param("endless", 70, marks=pytest.mark.chaos),
    ],
)
async def test_a_job_that_takes_three_workers_with_it_is_quarantined(
    garden: Scene, kind: str, code: int
) -> None:
    """Whoever does it ends; after three it is dead, and the pushes that its workers held are sent.

    A push that was three times on the worker that fell is dead too: from outside it looks as guilty.
    """
    await garden.crew.supervise(2)
    async with garden.load(rate=10):
        await garden.providers.ledger.wait_for(10, timeout=20)
        await _plant(garden, kind)
        dead = await _until_dead(garden, kind)

    books = await garden.close_books()

    fell = [ending.code for ending in books.endings if ending.asked == "nobody"]
    assert (dead, fell) == (("quarantined", 0), [code] * 3)
    books.endings = [ending for ending in books.endings if ending.asked != "nobody"]
    verdict = garden.judge(books)
    assert not verdict.findings, str(verdict)


@pytest.mark.parametrize(
    ("kind", "error"), [("recursion", "RecursionError"), ("eat_memory", "MemoryError")]
)
async def test_a_job_that_fails_for_good_is_dead_and_takes_nobody_with_it(
    garden: Scene, kind: str, error: str
) -> None:
    """Its attempts are used up, and nothing else notices."""
    hand = await garden.crew.start()
    await garden.writer.write(20)
    await _plant(garden, kind)
    await garden.until_said(hand, events.HANDLER_FAILED)
    await garden.skip_waits()
    dead = await _until_dead(garden, kind)

    verdict = await garden.finish()

    assert dead == (error, 2)
    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0


async def test_a_job_that_shouts_is_done(garden: Scene) -> None:
    """Tens of megabytes in one line of the log: it is cut, and the worker goes on."""
    await garden.crew.start()
    await garden.writer.write(20)
    await _plant(garden, "shout")

    verdict = await garden.finish()

    assert not verdict.findings, str(verdict)
    assert (verdict.dead, verdict.resent) == (0, 0)
