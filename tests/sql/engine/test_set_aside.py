"""gtr_jobs.set_aside_paused() and bring_back_jobs(): paused jobs stand in nobody's way, and come back in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import (
    Claimed,
    ack,
    claim,
    end_of,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)
from support.scans import reads_of
from support.switches import clear_switch, set_switch

NOW = datetime.now(UTC)
HELD = "select scope, name, count(*) from gtr_jobs.held_jobs group by 1, 2 order by 1, 2"


def _rows(jobs: list[Claimed]) -> list[UUID]:
    return [UUID(job.args["id"]) for job in jobs]


async def _set_aside(connection: AsyncConnection, limit: int = 100) -> int:
    return int(await fetch_value(connection, "select gtr_jobs.set_aside_paused('push', %s)", limit))


async def _bring_back(connection: AsyncConnection, limit: int = 100) -> int:
    return int(await fetch_value(connection, "select gtr_jobs.bring_back_jobs(%s)", limit))


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def test_jobs_of_a_paused_kind_make_room_for_others(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """What waits behind them is claimed as if they were not there; ready or due makes no difference."""
    await put_jobs(admin, 3)
    await put_jobs(admin, 2, run_at=NOW - timedelta(hours=1))
    others = await put_jobs(admin, 2, kind="forum_like")
    await set_switch(admin, "pause", "kind", "message")
    assert await _set_aside(worker) == 5
    assert _rows(await claim(worker, worker_id)) == others
    assert await fetch_rows(admin, HELD) == [("kind", "message", 5)]
    assert await _set_aside(worker) == 0


async def test_nothing_is_set_aside_while_nothing_is_paused(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Nor is what is not due, or of another queue, or being done."""
    await put_jobs(admin, 2)
    assert await _set_aside(worker) == 0
    await claim(worker, await register_worker(worker))
    await put_jobs(admin, run_at=NOW + timedelta(hours=1))
    await put_jobs(admin, kind="match_saved_searches")
    await set_switch(admin, "pause", "kind", "message")
    await set_switch(admin, "pause", "kind", "match_saved_searches")
    assert await _set_aside(worker) == 0


async def test_the_end_of_a_pause_brings_them_back_to_where_they_stood(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """In their old order among themselves and before what came later; the keys are still known."""
    due = await put_jobs(admin, 2, run_at=NOW - timedelta(hours=1))
    first = await put_jobs(admin, 3)
    await set_switch(admin, "pause", "kind", "message")
    await _set_aside(worker)
    later = await put_jobs(admin, 1, kind="forum_like")
    assert await _bring_back(worker) == 0
    await clear_switch(admin, "pause", "kind", "message")
    assert [await _bring_back(worker, 3), await _bring_back(worker, 3)] == [3, 2]
    assert _rows(await claim(worker, worker_id, 2)) == due
    assert _rows(await claim(worker, worker_id)) == [*first, *later]
    assert await fetch_rows(admin, HELD) == []


async def test_a_pause_that_expires_is_over(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Nobody needs to end it."""
    await put_jobs(admin)
    await set_switch(admin, "pause", "kind", "message", seconds=3600)
    await _set_aside(worker)
    await admin.execute("update gtr_jobs.switches set expires_at = now()")
    assert await _bring_back(worker) == 1
    assert len(await claim(worker, worker_id)) == 1


async def test_only_the_jobs_of_the_pause_that_is_over_come_back(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Those of another, however many, stay where they are."""
    await put_jobs(admin, 4, kind="forum_like")
    back = await put_jobs(admin, 2)
    for kind in ("forum_like", "message"):
        await set_switch(admin, "pause", "kind", kind)
    assert await _set_aside(worker) == 6
    await clear_switch(admin, "pause", "kind", "message")
    assert await _bring_back(worker) == 2
    assert _rows(await claim(worker, worker_id)) == back
    assert await fetch_rows(admin, HELD) == [("kind", "forum_like", 4)]


async def test_a_job_that_was_cancelled_meanwhile_stays_cancelled(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Its note is worth nothing and goes with the others."""
    await put_jobs(admin)
    await set_switch(admin, "pause", "kind", "message")
    await _set_aside(worker)
    ids = await fetch_value(admin, "select array_agg(job_id) from gtr_jobs.jobs")
    assert await fetch_value(admin, "select gtr_jobs.withdraw_jobs(%s)", ids) == ids
    await clear_switch(admin, "pause", "kind", "message")
    assert await _bring_back(worker) == 1
    assert await fetch_rows(admin, "select 1 from gtr_jobs.jobs") == []
    assert await fetch_rows(admin, HELD) == []


async def test_a_job_with_the_same_key_is_not_queued_beside_one_that_is_set_aside(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """It waits all the same, only longer."""
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{\"id\": 1}', 'one')])"
    assert await fetch_value(admin, enqueue) == 1
    await set_switch(admin, "pause", "kind", "message")
    await _set_aside(worker)
    assert await fetch_value(admin, enqueue) == 0


async def test_a_noted_claim_that_was_put_off_comes_back_at_once(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """As when its provider was paused: due as soon as the pause is over, not after the delay."""
    await set_switch(admin, "pause", "provider", "fcm")
    (row,) = await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    await _note(worker, job)
    await ack(worker, worker_id, end_of(job, "retry", delay=600, attempted=False))
    assert await _bring_back(worker) == 0
    await clear_switch(admin, "pause", "provider", "fcm")
    assert await claim(worker, worker_id) == []
    assert await _bring_back(worker) == 1
    assert _rows(await claim(worker, worker_id)) == [row]


async def test_a_note_waits_for_its_worker_to_hand_the_job_back(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The pause may end between the note and the ack: the job comes back all the same."""
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    await _note(worker, job)
    assert await _bring_back(worker) == 0
    await ack(worker, worker_id, end_of(job, "retry", delay=600, attempted=False))
    assert await _bring_back(worker) == 1
    assert len(await claim(worker, worker_id)) == 1


async def test_a_note_of_an_older_claim_changes_nothing(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The job was claimed since, and waits for a reason of its own."""
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    await _note(worker, job)
    await ack(worker, worker_id, end_of(job, "retry", delay=0))
    (again,) = await claim(worker, worker_id)
    await ack(worker, worker_id, end_of(again, "retry", delay=600))
    assert await _bring_back(worker) == 1
    assert await claim(worker, worker_id) == []


async def test_two_who_bring_back_at_the_same_time_do_not_wait_for_each_other(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Each takes what the other leaves."""
    await put_jobs(admin, 5)
    await set_switch(admin, "pause", "kind", "message")
    await _set_aside(worker)
    await clear_switch(admin, "pause", "kind", "message")
    async with await database.connect_async("gtr_worker") as other, worker.transaction():
        ones = await _bring_back(worker, 3)
        await other.execute("set statement_timeout = '2s'")
        others = await _bring_back(other, 3)
    assert (ones, others) == (3, 2)


async def test_what_is_set_aside_is_read_by_no_claim_and_by_no_later_look(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Ten thousand jobs of a paused kind cost a claim nothing once they were put off, a batch at a time."""
    await put_jobs(admin, 10_000)
    (other,) = await put_jobs(admin, kind="forum_like")
    await set_switch(admin, "pause", "kind", "message")
    batches = []
    while put_off := await _set_aside(worker, 2000):
        batches.append(put_off)
    assert batches == [2000] * 5
    await admin.execute("vacuum analyze procrastinate.procrastinate_jobs")
    for statement in (
        "select gtr_jobs.set_aside_paused('push', 2000)",
        "select gtr_jobs.claim_limited('push', %(worker)s, 10)",
        "select gtr_jobs.claim_jobs('push', %(worker)s, 10)",
        "select gtr_jobs.bring_back_jobs(2000)",
    ):
        reads = await reads_of(admin, statement.replace("%(worker)s", str(worker_id)))
        assert reads.tables.get("procrastinate.procrastinate_jobs") is None, statement
        assert max(reads.indexes.values()) <= 10, (statement, reads)
    assert _rows(await claim(worker, worker_id)) == [other]


async def _note(worker: AsyncConnection, job: Claimed) -> None:
    await worker.execute(
        "select gtr_jobs.note_held_jobs('provider', 'fcm', %s, %s)",
        ([job.job_id], [job.claim_number]),
    )
