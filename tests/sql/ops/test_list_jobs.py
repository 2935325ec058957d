"""gtr_jobs.list_jobs(): what is being done, and what would be done next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection
from support.dead import bury
from support.jobs import claim, fetch_rows, put_jobs, register_worker
from support.scans import reads_of

LIST = "select kind, state from gtr_jobs.list_jobs(%s, %s, %s, %s)"
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
async def _other_kind(admin: AsyncConnection) -> None:
    """A kind with a queue of its own, and one that goes before others."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('wash', 'slow', 'test', 0, 3), ('urgent', 'push', 'test', 9, 3)"
    )


@pytest.mark.usefixtures("_other_kind")
async def test_jobs_come_in_the_order_in_which_they_are_done(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Being done, then ready by priority, then for later by time; filters leave the rest out."""
    await put_jobs(admin)
    await claim(worker, await register_worker(worker))
    await put_jobs(admin, run_at=LATER)
    await put_jobs(admin, kind="wash", run_at=LATER - timedelta(minutes=1))
    await put_jobs(admin)
    await put_jobs(admin, kind="urgent")
    assert await fetch_rows(admin, LIST, None, None, None, 10) == [
        ("message", "doing"),
        ("urgent", "ready"),
        ("message", "ready"),
        ("wash", "scheduled"),
        ("message", "scheduled"),
    ]
    assert await fetch_rows(admin, LIST, None, None, None, 2) == [
        ("message", "doing"),
        ("urgent", "ready"),
    ]
    assert await fetch_rows(admin, LIST, "slow", None, None, 10) == [("wash", "scheduled")]
    assert await fetch_rows(admin, LIST, None, "urgent", None, 10) == [("urgent", "ready")]
    for state, count in (("doing", 1), ("ready", 2), ("scheduled", 2)):
        rows = await fetch_rows(admin, LIST, None, None, state, 10)
        assert [found for _, found in rows] == [state] * count


@pytest.mark.usefixtures("_other_kind")
async def test_a_long_queue_is_read_no_further_than_wanted(admin: AsyncConnection) -> None:
    """By the indexes that claims use: a hundred thousand that wait cost as much as a hundred."""
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name, scheduled_at)"
        " select q, 'message', s from generate_series(1, 50000) as n"
        " cross join (values ('push', null), ('push', now() + interval '1 day'), ('slow', null))"
        " as v (q, s)"
    )
    await admin.execute("analyze procrastinate.procrastinate_jobs")
    for queue, state in ((None, None), ("push", "ready"), ("push", "scheduled"), (None, "doing")):
        reads = await reads_of(
            admin, "select * from gtr_jobs.list_jobs(%s, null, %s, 50)", queue, state
        )
        # Kinds are few; a part that is not asked for is not read.
        assert sum(reads.tables.values()) < 50, (queue, state, reads)
        assert sum(reads.indexes.values()) < 400


@pytest.mark.usefixtures("_other_kind")
async def test_kinds_are_those_of_the_queues_and_of_the_dead(admin: AsyncConnection) -> None:
    """A kind that is no longer known still has its dead, and can be asked for."""
    await bury(admin, 1000, kind="gone")
    await bury(admin, 1000)
    await admin.execute("analyze gtr_jobs.dead_jobs")
    rows = dict(await fetch_rows(admin, "select kind, queue from gtr_jobs.list_kinds()"))
    assert (rows["gone"], rows["wash"], rows["message"]) == (None, "slow", "push")
    reads = await reads_of(admin, "select gtr_jobs.list_kinds()")
    assert "gtr_jobs.dead_jobs" not in reads.tables
    assert sum(reads.indexes.values()) < 50
