"""A NOTIFY is sent only where a worker sleeps: once a queue and statement, and it says nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, put_jobs, register_worker

Heard = Callable[[], Awaitable[list[str]]]


@pytest.fixture
async def heard(database: ProjectDatabase, admin: AsyncConnection) -> AsyncIterator[Heard]:
    """Tells what a listening worker has heard up to now."""
    async with await database.connect_async("gtr_worker") as listener:
        await listener.execute("listen gtr_jobs_wake")

        async def payloads() -> list[str]:
            # Notifications come in the order of commits: what was sent before this one is here.
            await admin.execute("notify gtr_jobs_wake, 'that is all'")
            found = []
            async for call in listener.notifies():
                if call.payload == "that is all":
                    break
                found.append(call.payload)
            return found

        yield payloads


@pytest.fixture
async def slow_queue(admin: AsyncConnection) -> str:
    """A second queue, with the kind `wash`."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
        " values ('wash', 'slow', 'test', 3)"
    )
    return "slow"


async def _sleep(worker: AsyncConnection, *queues: str) -> int:
    worker_id = await register_worker(worker)
    for queue in queues:
        await worker.execute("select gtr_jobs.fall_asleep(%s, %s)", (queue, worker_id))
    return worker_id


async def test_an_insert_wakes_nobody_while_all_are_awake(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard
) -> None:
    """A worker that is busy finds the job by itself: commits wait for no NOTIFY."""
    await register_worker(worker)
    await put_jobs(admin, 3)
    assert await heard() == []


async def test_a_statement_wakes_a_queue_once_whatever_it_inserts(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard
) -> None:
    """A hundred jobs and two sleepers: one call, which names the queue and nothing else."""
    await _sleep(worker, "push")
    await _sleep(worker, "push")
    await put_jobs(admin, 100)
    assert await heard() == ["push"]


async def test_each_sleeping_queue_is_woken_by_its_own_jobs(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard, slow_queue: str
) -> None:
    """A job wakes those who can do it, and lets the others sleep."""
    await _sleep(worker, "push", slow_queue)
    await put_jobs(admin, kind="wash")
    assert await heard() == [slow_queue]
    await admin.execute(
        "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'a'), gtr_jobs.job('wash', '{}', 'b'),"
        " gtr_jobs.job('message', '{}', 'c')])"
    )
    assert sorted(await heard()) == ["push", slow_queue]


async def test_a_job_for_later_wakes_nobody(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard
) -> None:
    """There is nothing to do yet; one whose time has come wakes."""
    await _sleep(worker, "push")
    now = datetime.now(UTC)
    await put_jobs(admin, run_at=now + timedelta(hours=1))
    assert await heard() == []
    await put_jobs(admin, run_at=now - timedelta(hours=1))
    assert await heard() == ["push"]


async def test_a_key_that_waits_already_wakes_nobody(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard
) -> None:
    """Nothing new, no call."""
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'one')])"
    await admin.execute(enqueue)
    await _sleep(worker, "push")
    await admin.execute(enqueue)
    assert await heard() == []


async def test_who_says_that_it_is_awake_is_called_no_more(
    admin: AsyncConnection, worker: AsyncConnection, heard: Heard
) -> None:
    """Falling asleep twice is once; waking ends it, for that queue and worker only."""
    one = await _sleep(worker, "push", "push")
    other = await _sleep(worker, "push")
    await worker.execute("select gtr_jobs.stay_awake('push', %s)", (one,))
    assert await fetch_rows(admin, "select queue, worker_id from gtr_jobs.sleeping_workers") == [
        ("push", other)
    ]
    await worker.execute("select gtr_jobs.stay_awake('push', %s)", (other,))
    await put_jobs(admin)
    assert await heard() == []


async def test_who_leaves_the_register_sleeps_no_more(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A worker that is gone is not called for ever."""
    worker_id = await _sleep(worker, "push", "slow")
    await worker.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    assert await fetch_rows(admin, "select * from gtr_jobs.sleeping_workers") == []


async def test_the_book_of_sleepers_survives_no_crash(admin: AsyncConnection) -> None:
    """It is unlogged: who sleeps costs no write to the log, and says so again after a crash."""
    assert await fetch_rows(
        admin,
        "select relpersistence from pg_class where oid = 'gtr_jobs.sleeping_workers'::regclass",
    ) == [("u",)]


async def test_the_table_of_sleepers_is_emptied_when_it_has_grown(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """What an old transaction keeps of it costs every insert: who still sleeps says so again."""
    worker_id = await register_worker(worker)
    assert await fetch_rows(worker, "select gtr_jobs.sweep_sleepers()") == [(False,)]
    await admin.execute(
        "insert into gtr_jobs.sleeping_workers (queue, worker_id) select 'push', -n"
        " from generate_series(1, 3000) as n"
    )
    await worker.execute("select gtr_jobs.fall_asleep('push', %s)", (worker_id,))
    assert await fetch_rows(worker, "select gtr_jobs.sweep_sleepers()") == [(True,)]
    assert await fetch_rows(admin, "select worker_id from gtr_jobs.sleeping_workers") == []


async def test_nobody_waits_for_the_table_of_sleepers_to_be_emptied(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Where an insert of the app reads it at this moment, it stays as it is."""
    await admin.execute(
        "insert into gtr_jobs.sleeping_workers (queue, worker_id) select 'push', -n"
        " from generate_series(1, 3000) as n"
    )
    async with await database.connect_async("postgres") as reader, reader.transaction():
        await reader.execute("select from gtr_jobs.sleeping_workers limit 1")
        assert await fetch_rows(worker, "select gtr_jobs.sweep_sleepers()") == [(False,)]
