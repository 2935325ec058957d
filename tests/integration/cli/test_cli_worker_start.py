"""A worker starts on a database that it can live with, and on no other."""

from __future__ import annotations

import pytest
from support.command_line import Ended, assert_refused, run_command
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT, install_gtr_jobs
from support.plans import PLAN

from gtr_jobs.db.plan import OURS
from gtr_jobs.dev.worker_process import WorkerProcess
from gtr_jobs.observe import events

_VERSION = str(PLAN.version)
_LAST_STEP = PLAN.newest_version(OURS)


def _settings(database: ProjectDatabase, **changes: str) -> dict[str, str]:
    return {
        "GTR_DATABASE_URL": database.worker_dsn,
        "GTR_PROJECT": PROJECT,
        "GTR_ENVIRONMENT": ENVIRONMENT,
        "GTR_HTTP_PORT": "0",
        "GTR_LOG_FORMAT": "json",
    } | changes


def _start(database: ProjectDatabase, **changes: str) -> Ended:
    """Start a worker that is not expected to run."""
    return run_command("worker", settings=_settings(database, **changes))


def _change(database: ProjectDatabase, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement.encode())


async def _start_and_stop(database: ProjectDatabase, **changes: str) -> list[str]:
    """Start a worker and stop it again; give what it warned of."""
    async with WorkerProcess(_settings(database, **changes)) as worker:
        assert await worker.stop() == 0
        return [r["warning"] for r in worker.records if r["event"] == events.WORKER_WARNED]


async def test_on_a_database_of_its_own_version_it_starts_without_a_warning(
    database: ProjectDatabase,
) -> None:
    """Nothing is to be said."""
    assert await _start_and_stop(database) == []


def test_a_database_without_gtr_jobs_is_refused(
    bare_database: ProjectDatabase, database: ProjectDatabase
) -> None:
    """The role can log in (another database of the server has us), and finds nothing: the command is named."""
    assert bare_database.server == database.server
    refused = _start(bare_database)
    assert_refused(refused, 78, "not installed", _VERSION, "gtr-jobs db migrate")


def test_a_database_with_an_older_schema_is_refused(database: ProjectDatabase) -> None:
    """The line has the schema that is there, the one that is needed, and the command."""
    _change(database, f"delete from gtr_jobs.schema_migrations where version = '{_LAST_STEP}'")
    before = max(s.version for s in PLAN.steps if s.component == OURS and s.version < _LAST_STEP)
    refused = _start(database)
    assert_refused(
        refused,
        78,
        f"at schema {before}",
        f"gtr-jobs {_VERSION} needs {_LAST_STEP}",
        "gtr-jobs db migrate",
    )


def test_a_database_with_older_functions_is_refused(database: ProjectDatabase) -> None:
    """The line has both versions, a file that differs, and the command."""
    _change(
        database,
        "update gtr_jobs.installed_files set sha256 = 'x', installed_by = '0.0.9'"
        " where path in ('engine/claim.sql', 'engine/ack.sql')",
    )
    refused = _start(database)
    assert_refused(
        refused, 78, "functions of gtr-jobs 0.0.9", _VERSION, "and 1 more", "gtr-jobs db migrate"
    )


def test_a_database_that_needs_a_newer_worker_is_refused(database: ProjectDatabase) -> None:
    """The line has both versions, and what to install."""
    _change(
        database,
        f"update gtr_jobs.schema_migrations set oldest_worker = '9.0.0' where version = '{_LAST_STEP}'",
    )
    refused = _start(database)
    assert_refused(refused, 78, f"gtr-jobs {_VERSION} is too old", 'pip install "gtr-jobs>=9.0.0"')


async def test_a_newer_database_that_it_can_live_with_is_one_warning(
    database: ProjectDatabase,
) -> None:
    """It starts, and says once how much newer the database is."""
    _change(
        database,
        "insert into gtr_jobs.schema_migrations (component, version, name, sha256, oldest_worker)"
        " values ('gtr_jobs', '9001', 'add later', 'x', '0.1.0')",
    )
    _change(
        database,
        "update gtr_jobs.installed_files set sha256 = 'x', installed_by = '9.0.0'"
        " where path like 'engine/%'",
    )
    (warning,) = await _start_and_stop(database)
    assert warning == (
        f"the database is newer than gtr-jobs {_VERSION} (functions of 9.0.0, "
        "schema with gtr_jobs 9001 add later) and still compatible"
    )


@pytest.mark.parametrize(
    ("setting", "theirs"), [("GTR_PROJECT", PROJECT), ("GTR_ENVIRONMENT", ENVIRONMENT)]
)
def test_a_database_of_another_project_or_environment_is_refused(
    database: ProjectDatabase, setting: str, theirs: str
) -> None:
    """A copy of production must reach nobody: the line has both names, and how a copy is told what it is."""
    refused = _start(database, **{setting: "another"})
    assert_refused(refused, 78, setting, "'another'", f"'{theirs}'", "--change-identity")


async def test_a_worker_that_is_not_told_what_it_is_for_warns_once(
    database: ProjectDatabase,
) -> None:
    """It starts: nothing can be compared, and the settings that would be are named."""
    (warning,) = await _start_and_stop(database, GTR_PROJECT="", GTR_ENVIRONMENT="")
    assert "GTR_ENVIRONMENT" in warning
    assert "gtr-jobs db migrate" in warning


async def test_a_project_without_the_apps_tables_is_worked_for(
    empty_supabase_database: ProjectDatabase,
) -> None:
    """What was left out for want of a table keeps no worker from starting."""
    install_gtr_jobs(empty_supabase_database.dsn, empty_supabase_database.server.password)
    assert await _start_and_stop(empty_supabase_database) == []


def test_a_database_that_goes_away_at_the_start_is_tried_again(database: ProjectDatabase) -> None:
    """One line that says so, and exit code 75: whoever supervises the worker starts it again."""
    _change(
        database,
        """
        create or replace function gtr_jobs.read_installed_files()
        returns table (path text, sha256 text, installed_by text)
        language plpgsql security definer set search_path = ''
        as $$ begin perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()); return; end $$
        """,
    )
    assert_refused(_start(database), 75, "went away while the worker looked", "start it again")
