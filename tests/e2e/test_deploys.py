"""A deploy loses nothing: versions side by side, workers that are told to stop, and a migration meanwhile."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from support.apps import make_app_tables
from support.command_line import run_command
from support.databases import ProjectDatabase
from support.jobs import claim, register_worker
from support.way import Way

from gtr_jobs.dev.scaffold import write_repository
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.worker_process import WorkerProcess

BACKLOG = 1_500
# Short enough for every run; `-m chaos` runs many.
TRIALS, MANY_TRIALS = 4, 50
LONGEST_STALL_SECONDS = 5.0
# Hundreds of pushes under the log of every job take a busy machine long.
PATIENCE_SECONDS = 60.0
WAITING = """
    select exists (
        select from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
        where
            not l.granted
            and l.relation = 'procrastinate.procrastinate_jobs'::regclass
            and l.mode = 'AccessExclusiveLock'
            and a.usename = 'postgres'
    )
"""


@pytest.mark.timeout(60)
async def test_two_versions_side_by_side_leave_each_other_their_own_jobs(
    way: Way, tmp_path: Path
) -> None:
    """The old worker parks what it does not know, without an attempt, and the new one does it once."""
    make_app_tables(way.database)
    write_repository(tmp_path / "garage", "garage")
    newer = {"GTR_APP": "garage.jobs:app", "PYTHONPATH": str(tmp_path / "garage")}
    migrated = await asyncio.to_thread(
        run_command, "db", "migrate", settings={"GTR_ADMIN_DATABASE_URL": way.database.dsn, **newer}
    )
    assert migrated.code == 0, migrated.err
    old = await way.start_worker("--queues", "push", GTR_LOG_LEVEL="debug")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")

    await way.connection.execute(
        "insert into public.bookings (customer_id, workshop, starts_at) values (%s, 'Omori', now())",
        [leo.user_id],
    )
    await way.wait_for_records(old, 1, event="job.ended", end="release")
    parked = "select kind, status::text, attempts, scheduled_at > now() from gtr_jobs.jobs where queue = 'push'"
    assert await way.fetch(parked) == [("booking_confirmed", "todo", 0, True)]

    new = await way.start_worker("--queues", "push", **newer)
    assert await old.stop() == 0
    await way.skip_waits()
    await way.wait_for_records(new, 1, event="push.attempted", outcome="accepted")
    await new.stop()
    assert await way.deliveries() == [("fcm", "sent", "accepted", "", 1, False)]


async def _stop_at_random_moments(way: Way, trials: int) -> None:
    """Start workers on a backlog, one after another, and stop each while it drains."""
    chance = random.Random(4)
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    chat = await way.add_conversation(mia, leo)
    written = 0
    for _ in range(trials):
        ((left,),) = await way.fetch("select count(*) from gtr_jobs.jobs where queue = 'push'")
        await way.connection.execute(
            "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
            " select %s, %s, %s, 'Message ' || n from generate_series(%s::int, %s::int) as n",
            [chat, mia.user_id, leo.user_id, written + 1, written + BACKLOG - left],
        )
        written += BACKLOG - left
        accepted = way.providers.ledger.total
        worker = await way.start_worker("--concurrency", "50", GTR_LOG_LEVEL="debug")
        await way.providers.ledger.wait_for(
            accepted + chance.randint(1, BACKLOG // 3), timeout=PATIENCE_SECONDS
        )
        await asyncio.sleep(chance.uniform(0, 0.05))

        worker.send_signal(signal.SIGTERM)

        assert await worker.wait() == 0
        assert _claims_after_stopping(worker) <= 1
        held = (
            "select 1 from gtr_jobs.jobs where status = 'doing' or attempts > 0 or lost_claims > 0"
        )
        assert await way.fetch(held) == []
    await way.start_worker()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await way.fetch("select 1 from gtr_jobs.jobs limit 1"):
            await asyncio.sleep(0.05)
    assert Counter(show(entry).body for entry in way.providers.ledger.entries()) == {
        f"Message {n}": 1 for n in range(1, written + 1)
    }


def _claims_after_stopping(worker: WorkerProcess) -> int:
    """Count the claims of pushes that came in after the signal was heard; one may have been under way."""
    said = [(record["event"], record.get("queue")) for record in worker.records]
    return said[said.index(("worker.stopping", None)) :].count(("jobs.claimed", "push"))


@pytest.mark.timeout(240)
async def test_a_worker_that_is_told_to_stop_claims_nothing_more(way: Way) -> None:
    """In the middle of a backlog, at random moments: exit 0, nothing lost, doubled or tried for nothing."""
    await _stop_at_random_moments(way, TRIALS)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_many_workers_that_are_told_to_stop_claim_nothing_more(way: Way) -> None:
    """The same, fifty times."""
    await _stop_at_random_moments(way, MANY_TRIALS)


async def _probe_claims(database: ProjectDatabase, ended: asyncio.Event) -> float:
    """Claim again and again as a worker does; give the longest that a claim took."""
    longest = 0.0
    async with await database.connect_async("gtr_worker") as connection:
        worker_id = await register_worker(connection)
        while not ended.is_set():
            began = time.monotonic()
            # A queue of its own kind of job, so that it takes nothing from the worker.
            await claim(connection, worker_id, 1, queue="nobodys")
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.01)
        await connection.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    return longest


@pytest.mark.timeout(120)
async def test_a_migration_under_load_stalls_no_claim(way: Way) -> None:
    """Every file again, while a worker drains, the app writes, and a transaction is left open on the queue."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    chat = await way.add_conversation(mia, leo)
    worker = await way.start_worker()
    await way.fetch("update gtr_jobs.installed_files set sha256 = 'older'")
    ended, released, written = asyncio.Event(), asyncio.Event(), 0

    async def write() -> None:
        nonlocal written
        async with await way.database.connect_async() as app:
            while not ended.is_set():
                written += 1
                await app.execute(
                    "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
                    " values (%s, %s, %s, %s)",
                    (chat, mia.user_id, leo.user_id, f"Message {written}"),
                )
                await asyncio.sleep(0.005)

    async def hold() -> None:
        """Leave a transaction open until the migration has come twice, and come away for nothing."""
        async with await way.database.connect_async() as holder, holder.transaction():
            await holder.execute("select 1 from gtr_jobs.jobs limit 1")
            released.set()
            seen = [False]
            while seen.count(True) < 2:
                ((is_waiting,),) = await way.fetch(WAITING)
                if is_waiting is not seen[-1]:
                    seen.append(is_waiting)
                await asyncio.sleep(0.01)

    writing, probing = (
        asyncio.create_task(write()),
        asyncio.create_task(_probe_claims(way.database, ended)),
    )
    holding = asyncio.create_task(hold())
    await released.wait()
    settings = {"GTR_ADMIN_DATABASE_URL": way.database.dsn}
    migrated = await asyncio.to_thread(run_command, "db", "migrate", settings=settings, timeout=90)
    await holding
    ended.set()
    await writing

    assert migrated.code == 0, migrated.err
    assert "installing engine/jobs_table.sql" in migrated.err
    assert await probing < LONGEST_STALL_SECONDS
    await way.wait_until_settled()
    assert await worker.stop() == 0
    assert await way.fetch("select 1 from gtr_jobs.enqueue_errors") == []
    assert Counter(show(entry).body for entry in way.providers.ledger.entries()) == {
        f"Message {n}": 1 for n in range(1, written + 1)
    }
