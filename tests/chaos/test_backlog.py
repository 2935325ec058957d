"""Faults 18 and 33: what waits elsewhere, for later, or is dead and not yet vacuumed holds nothing up."""

from __future__ import annotations

import pytest
from chaos.scene import Scene
from support.scans import reads_of

pytestmark = pytest.mark.timeout(180)

# What one claim of 100 jobs may read of all indexes together, however much waits elsewhere.
_MOST_ENTRIES = 2_000


async def _pile_up(scene: Scene, count: int) -> None:
    """Queue jobs in another queue, and as many for tomorrow in the workers' own."""
    await scene.fetch(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)"
        " select q.name, 'match_saved_searches', 0, '{}', q.at from generate_series(1, %s),"
        " (values ('match', null), ('push', now() + interval '1 day')) as q (name, at)",
        count,
    )
    await scene.fetch("analyze procrastinate.procrastinate_jobs")


async def _take_away(scene: Scene) -> None:
    await scene.fetch(
        "delete from procrastinate.procrastinate_jobs where task_name = 'match_saved_searches'"
    )


async def _hold_nothing_up(scene: Scene, piled: int) -> None:
    await _pile_up(scene, piled)
    await scene.writer.write(100)
    async with await scene.database.connect_async() as connection:
        worker_id = (await scene.fetch("select gtr_jobs.register_worker()"))[0][0]
        reads = await reads_of(
            connection, "select * from gtr_jobs.claim_jobs('push', %s, 100)", worker_id
        )
    await scene.crew.start()
    async with scene.load(rate=50):
        await scene.providers.ledger.wait_for(400, timeout=60)
    await scene.until("select count(*) from gtr_jobs.jobs where kind = 'message'", (0,), seconds=60)
    await _take_away(scene)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0
    assert sum(reads.indexes.values()) < _MOST_ENTRIES, reads
    assert "procrastinate.procrastinate_jobs" not in reads.tables


async def test_a_backlog_in_another_queue_holds_nothing_up(scene: Scene) -> None:
    """Fault 33: 20,000 jobs elsewhere and 20,000 for tomorrow; a claim reads as little as ever."""
    await _hold_nothing_up(scene, 20_000)


@pytest.mark.chaos
async def test_a_backlog_of_a_million_holds_nothing_up(scene: Scene) -> None:
    """Fault 33: the same with half a million each."""
    await _hold_nothing_up(scene, 500_000)


async def test_a_long_transaction_holds_nothing_up(scene: Scene) -> None:
    """Fault 18: while a snapshot is held nothing dead can be vacuumed; jobs come and go through it all."""
    await scene.crew.supervise(2)
    async with scene.hold(
        "set transaction isolation level repeatable read", "select count(*) from gtr_jobs.jobs"
    ):
        async with scene.load(rate=100):
            await scene.providers.ledger.wait_for(800, timeout=90)
        await scene.fetch("vacuum procrastinate.procrastinate_jobs")
        await scene.writer.write(100)
        await scene.until_settled()
        scene.strike("long transaction")

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0
