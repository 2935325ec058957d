"""A worker says that it lives, and does the work of those that do so no more."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import PATIENCE_SECONDS, Engine
from support.jobs import claim, fall_silent, fetch_rows, fetch_value, put_jobs, register_worker

from gtr_jobs.engine import membership as membership_module

REGISTER = "select id from procrastinate.procrastinate_workers order by id"
DOING = "select count(*) from gtr_jobs.jobs where status = 'doing'"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heart that beats fast."""
    monkeypatch.setattr(membership_module, "HEARTBEAT_SECONDS", 0.02)


async def _hold_a_job(admin: AsyncConnection, database: ProjectDatabase) -> int:
    """Have another worker claim a job, and return its number."""
    async with await database.connect_async("gtr_worker") as other:
        worker_id = await register_worker(other)
        await put_jobs(admin)
        assert len(await claim(other, worker_id)) == 1
    return worker_id


async def test_who_joins_is_on_the_register_until_it_leaves(
    engine: Engine, admin: AsyncConnection
) -> None:
    """One row a process."""
    membership = engine.context.membership
    assert await fetch_rows(admin, REGISTER) == [(membership.worker_id,)]
    await membership.leave()
    assert await fetch_rows(admin, REGISTER) == []


@pytest.mark.usefixtures("quick")
async def test_a_living_workers_heart_beats(engine: Engine, admin: AsyncConnection) -> None:
    """Its silence ends with the next beat."""
    await fall_silent(admin, engine.context.membership.worker_id)
    engine.start(engine.context.membership.run())
    await engine.until(
        "select last_heartbeat > now() - interval '10 s' from procrastinate.procrastinate_workers",
        True,
    )


@pytest.mark.usefixtures("quick")
async def test_the_jobs_of_a_silent_worker_are_rescued(
    engine: Engine, admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """With a word in the log and a number in the metrics; those of a living one are left to it."""
    silent, living = [await _hold_a_job(admin, database) for _ in range(2)]
    await fall_silent(admin, silent)
    engine.start(engine.context.membership.run())
    await engine.until(DOING, 1)
    assert (
        await fetch_value(admin, "select worker_id from gtr_jobs.jobs where status = 'doing'")
        == living
    )
    await engine.until("select count(*) from procrastinate.procrastinate_workers", 2)
    await engine.until_said("jobs.rescued")
    assert engine.events("jobs.rescued") == [{"given_back": 1, "quarantined": 0}]
    assert engine.metric("gtr_jobs_rescued_total", fate="given_back") == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("is_over", [False, True])
async def test_after_an_outage_the_others_are_left_time_to_say_that_they_live(
    engine: Engine,
    admin: AsyncConnection,
    database: ProjectDatabase,
    monkeypatch: pytest.MonkeyPatch,
    is_over: bool,
) -> None:
    """Whoever comes back first finds all others silent: they were cut off too. Who stays silent is dead."""
    silent = await _hold_a_job(admin, database)
    queue, beats = engine.context.queue, 0
    beat_heart = queue.beat_heart

    async def beat_after_outage(worker_id: int) -> bool:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise psycopg.OperationalError("the server was away for a minute")
        return await beat_heart(worker_id)

    monkeypatch.setattr(queue, "beat_heart", beat_after_outage)
    grace = 0.0 if is_over else 600.0
    monkeypatch.setattr(membership_module, "GRACE_AFTER_OUTAGE_SECONDS", grace)
    # Since it joined its heart has been silent for a minute.
    engine.context.membership._beat_at -= 60
    await fall_silent(admin, silent)
    engine.start(engine.context.membership.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while beats < 10:
            await asyncio.sleep(0.01)
    assert await fetch_value(admin, DOING) == (0 if is_over else 1)


@pytest.mark.usefixtures("quick")
async def test_a_full_batch_does_not_keep_the_rest_waiting(
    engine: Engine,
    admin: AsyncConnection,
    database: ProjectDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that the dead held is given back between two beats, batch after batch."""
    monkeypatch.setattr(membership_module, "MAX_RESCUED_AT_ONCE", 4)
    monkeypatch.setattr(membership_module, "HEARTBEAT_SECONDS", 600.0)
    async with await database.connect_async("gtr_worker") as other:
        silent = await register_worker(other)
        await put_jobs(admin, 11)
        assert len(await claim(other, silent)) == 11
    await fall_silent(admin, silent)
    engine.start(engine.context.membership.run())
    await engine.until_said("jobs.rescued")
    assert engine.events("jobs.rescued") == [{"given_back": 11, "quarantined": 0}]
    assert await fetch_value(admin, DOING) == 0


@pytest.mark.usefixtures("quick")
async def test_a_short_interruption_holds_up_no_rescue(
    engine: Engine,
    admin: AsyncConnection,
    database: ProjectDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One lost connection is no outage in which others fell silent too."""
    silent = await _hold_a_job(admin, database)
    queue, beats = engine.context.queue, 0
    beat_heart = queue.beat_heart

    async def beat_after_interruption(worker_id: int) -> bool:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise psycopg.OperationalError("one connection was lost")
        return await beat_heart(worker_id)

    monkeypatch.setattr(queue, "beat_heart", beat_after_interruption)
    await fall_silent(admin, silent)
    engine.start(engine.context.membership.run())
    await engine.until(DOING, 0)
