"""What a worker may read of the installation, to refuse a database that is not its own."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.installed import ENVIRONMENT, PROJECT
from support.jobs import fetch_rows

from gtr_jobs import __version__
from gtr_jobs.app.database import installation_plan


async def test_the_worker_reads_which_project_and_environment_it_is(
    worker: AsyncConnection,
) -> None:
    """What the administrator recorded."""
    assert await fetch_rows(
        worker, "select project, environment from gtr_jobs.read_installation()"
    ) == [(PROJECT, ENVIRONMENT)]


async def test_the_worker_reads_what_was_applied(worker: AsyncConnection) -> None:
    """Every step with its hash and the oldest worker that can live with it."""
    plan = installation_plan()
    steps = {step for step in plan.steps if step.is_snapshot or step.component == "gtr_jobs"}
    rows = await fetch_rows(
        worker,
        "select component, version, name, sha256, oldest_worker from gtr_jobs.read_schema_migrations()",
    )
    assert set(rows) == {
        (step.component, step.version, step.name, step.sha256, str(step.oldest_worker))
        for step in steps
    }


async def test_the_worker_reads_which_files_are_installed(worker: AsyncConnection) -> None:
    """Every file with its hash and the version that installed it."""
    rows = await fetch_rows(
        worker, "select path, sha256, installed_by from gtr_jobs.read_installed_files()"
    )
    assert set(rows) == {
        (file.path, file.sha256, __version__) for file in installation_plan().files
    }
