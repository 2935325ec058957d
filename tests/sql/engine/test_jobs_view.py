"""gtr_jobs.jobs: the queue in our own words."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_service_role
from support.jobs import claim, fetch_rows, put_jobs, register_worker


async def test_the_view_shows_what_waits_and_what_is_being_done(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Every job of the queue, each as it is."""
    first, second = await put_jobs(admin, 2)
    worker_id = await register_worker(worker)
    await claim(worker, worker_id, 1)
    assert await fetch_rows(
        admin,
        "select queue, kind, args ->> 'id', status::text, worker_id from gtr_jobs.jobs order by job_id",
    ) == [
        ("push", "message", str(first), "doing", worker_id),
        ("push", "message", str(second), "todo", None),
    ]


async def test_what_procrastinate_calls_finished_is_not_shown(admin: AsyncConnection) -> None:
    """Finished jobs leave the table; one that some other program finished there is not waiting."""
    await put_jobs(admin)
    await admin.execute(
        "update procrastinate.procrastinate_jobs set status = 'succeeded' where status = 'todo'"
    )
    assert await fetch_rows(admin, "select * from gtr_jobs.jobs") == []


async def test_the_view_gives_nobody_rights_that_they_do_not_have(
    admin: AsyncConnection, worker: AsyncConnection, api: AsyncConnection
) -> None:
    """It asks for the reader's own rights on the queue, so a grant on the view alone opens nothing."""
    await admin.execute("grant usage on schema gtr_jobs to service_role")
    await admin.execute("grant select on gtr_jobs.jobs to service_role, gtr_worker")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await worker.execute("select * from gtr_jobs.jobs")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with as_service_role(api):
            await api.execute("select * from gtr_jobs.jobs")
