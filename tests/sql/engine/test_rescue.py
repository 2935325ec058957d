"""gtr_jobs.rescue_jobs(): what a dead worker held goes back; what a living one holds stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import (
    ack,
    claim,
    count_jobs,
    end_of,
    fall_silent,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)
from support.scans import reads_of


async def _rescue(connection: AsyncConnection, limit: int | None = 100) -> dict[int, bool]:
    return dict(
        await fetch_rows(
            connection, "select job_id, runs_again from gtr_jobs.rescue_jobs('30s', %s)", limit
        )
    )


async def _die_holding(
    admin: AsyncConnection, worker: AsyncConnection, jobs: int = 1
) -> tuple[int, list[int]]:
    """Have a worker claim jobs and fall silent; return it and its jobs."""
    worker_id = await register_worker(worker)
    await put_jobs(admin, jobs)
    claimed = await claim(worker, worker_id)
    await fall_silent(admin, worker_id)
    return worker_id, [job.job_id for job in claimed]


async def test_the_jobs_of_a_silent_worker_go_back(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """They are ready, have used no attempt, and their next run knows that something may have been sent."""
    _, (job_id,) = await _die_holding(admin, worker)
    assert await _rescue(worker) == {job_id: True}
    assert await fetch_rows(
        admin,
        """
        select id, status::text, worker_id, attempts, claim_number, lost_claims, rescues,
            scheduled_at, queueing_lock
        from procrastinate.procrastinate_jobs
        """,
    ) == [(job_id, "todo", None, 0, 1, 1, 1, None, None)]
    (again,) = await claim(worker, await register_worker(worker))
    assert (again.job_id, again.claim_number, again.lost_claims) == (job_id, 2, 1)


async def test_the_jobs_of_a_living_worker_stay_its_own(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Twenty-nine seconds of silence are not thirty, and a heartbeat ends all silence."""
    worker_id, (job_id,) = await _die_holding(admin, worker)
    await fall_silent(admin, worker_id, 29)
    assert await _rescue(worker) == {}
    await fall_silent(admin, worker_id, 31)
    assert await fetch_value(worker, "select gtr_jobs.beat_heart(%s)", worker_id)
    assert await _rescue(worker) == {}
    await fall_silent(admin, worker_id, 31)
    assert await _rescue(worker) == {job_id: True}


async def test_the_jobs_of_a_worker_that_left_go_back_at_once(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Whoever leaves the register holds nothing any more."""
    worker_id = await register_worker(worker)
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    await worker.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    assert await _rescue(worker) == {job.job_id: True}


async def test_what_waits_is_not_rescued(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """Ready and scheduled jobs are nobody's."""
    await put_jobs(admin)
    await put_jobs(admin, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert await _rescue(worker) == {}


async def test_a_heart_beats_for_those_on_the_register_only(worker: AsyncConnection) -> None:
    """Who was given up for dead is told so."""
    worker_id = await register_worker(worker)
    assert await fetch_value(worker, "select gtr_jobs.beat_heart(%s)", worker_id) is True
    await worker.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    assert await fetch_value(worker, "select gtr_jobs.beat_heart(%s)", worker_id) is False


async def test_a_rescue_has_a_limit_and_the_dead_stay_on_the_register_until_all_is_rescued(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """However much a dead worker held; it is struck off with its last job."""
    worker_id, jobs = await _die_holding(admin, worker, 5)
    await worker.execute("select gtr_jobs.fall_asleep('push', %s)", (worker_id,))
    register = "select id from procrastinate.procrastinate_workers"
    assert list(await _rescue(worker, 3)) == jobs[:3]
    assert await fetch_rows(admin, register) == [(worker_id,)]
    assert list(await _rescue(worker, 3)) == jobs[3:]
    assert await fetch_rows(admin, register) == []
    assert await fetch_rows(admin, "select * from gtr_jobs.sleeping_workers") == []


@pytest.mark.parametrize("limit", [None, 100_000])
async def test_no_rescue_is_without_a_limit(
    admin: AsyncConnection, worker: AsyncConnection, limit: int | None
) -> None:
    """Whoever asks for everything gets a thousand."""
    worker_id = await register_worker(worker)
    await put_jobs(admin, 1001)
    await claim(worker, worker_id, 1000)
    await claim(worker, worker_id, 1000)
    await fall_silent(admin, worker_id)
    assert len(await _rescue(worker, limit)) == 1000


async def test_a_living_worker_without_jobs_stays_on_the_register(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Only the silent are struck off."""
    silent, living = await register_worker(worker), await register_worker(worker)
    await fall_silent(admin, silent)
    await _rescue(worker)
    assert await fetch_rows(admin, "select id from procrastinate.procrastinate_workers") == [
        (living,)
    ]


async def test_two_rescuers_give_each_job_back_once(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """They neither wait for each other nor do the same work."""
    _, jobs = await _die_holding(admin, worker, 10)
    async with await database.connect_async("gtr_worker") as other, worker.transaction():
        ones = await _rescue(worker, 4)
        await other.execute("set statement_timeout = '1s'")
        others = await _rescue(other)
    assert [list(ones), list(others)] == [jobs[:4], jobs[4:]]
    assert await fetch_rows(admin, "select distinct lost_claims from gtr_jobs.jobs") == [(1,)]


async def test_a_job_that_took_three_workers_with_it_is_quarantined(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """It runs no more; it stands among the dead, with its reason, and in the history."""
    await put_jobs(admin)
    fates = []
    for _ in range(3):
        worker_id = await register_worker(worker)
        (job,) = await claim(worker, worker_id)
        await fall_silent(admin, worker_id)
        fates.append(await _rescue(worker))
    assert fates == [{job.job_id: True}, {job.job_id: True}, {job.job_id: False}]
    assert await count_jobs(admin) == 0
    assert await fetch_rows(
        admin,
        """
        select job_id, queue, kind, args, attempts, code, error, trace_id, event_day
        from gtr_jobs.dead_jobs where fingerprint ~ '^[0-9a-f]{16,32}$'
        """,
    ) == [
        (
            job.job_id, "push", "message", job.args, 0, "quarantined",
            "three workers ended while they held this job", job.trace_id, job.event_day,
        )
    ]  # fmt: skip
    assert await fetch_rows(admin, "select job_id, ended::text from gtr_jobs.job_history") == [
        (job.job_id, "dead")
    ]


async def test_a_job_that_was_handed_back_is_not_nearer_to_quarantine(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Deploys interrupt jobs too: those that end in order are no sign that the job kills workers."""
    await put_jobs(admin)
    for _ in range(3):
        worker_id = await register_worker(worker)
        (job,) = await claim(worker, worker_id)
        await ack(worker, worker_id, end_of(job, "release", maybe_sent=True))
    worker_id = await register_worker(worker)
    await claim(worker, worker_id)
    await fall_silent(admin, worker_id)
    assert await _rescue(worker) == {job.job_id: True}
    (again,) = await claim(worker, await register_worker(worker))
    assert again.lost_claims == 4


async def test_a_rescued_job_meets_its_twin(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A job that was queued under the same key meanwhile keeps no rescue from its work."""
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'same')])"
    await admin.execute(enqueue)
    worker_id = await register_worker(worker)
    (job,) = await claim(worker, worker_id)
    await admin.execute(enqueue)
    await fall_silent(admin, worker_id)
    assert await _rescue(worker) == {job.job_id: True}
    assert await count_jobs(admin) == 2


@pytest.mark.parametrize("is_analyzed", [False, True])
async def test_a_rescue_reads_what_is_being_done_only(
    admin: AsyncConnection, worker: AsyncConnection, is_analyzed: bool
) -> None:
    """Every worker looks every few seconds: what waits must cost nothing."""
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name)"
        " select 'slow', 'wash' from generate_series(1, 50000)"
    )
    await _die_holding(admin, worker, 5)
    if is_analyzed:
        await admin.execute("analyze procrastinate.procrastinate_jobs")
    reads = await reads_of(admin, "select gtr_jobs.rescue_jobs('30s', 100)")
    assert "procrastinate.procrastinate_jobs" not in reads.tables
    assert max(reads.indexes.values()) <= 30
