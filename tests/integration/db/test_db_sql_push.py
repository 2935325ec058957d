"""The written files, applied by the real Supabase command line, are what `db migrate` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from support.catalog import Catalog, read_catalog
from support.command_line import Ended, run_command
from support.databases import DatabaseMaker, ProjectDatabase
from support.migrations import migrate_with, read_status_with, unfinished
from support.plans import PLAN, read_file, with_file, with_step, without_file
from support.supabase_cli import SupabaseProject, make_project

from gtr_jobs.db.export import export_sql
from gtr_jobs.dev.supabase import DefaultGrants
from gtr_jobs.dev.worker_process import WorkerProcess


@dataclass(frozen=True, slots=True)
class _Pushed:
    """A database that was installed by a push.

    Args:
        database: The database.
        project: The app's folder.
        applied: The files that were applied.
        grants: What its default grants are.
    """

    database: ProjectDatabase
    project: SupabaseProject
    applied: list[str]
    grants: DefaultGrants


@pytest.fixture(scope="module", params=["old", "new"])
def pushed(
    request: pytest.FixtureRequest,
    database_maker: DatabaseMaker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[_Pushed]:
    """A bare database to which the command line applied our files."""
    grants: DefaultGrants = request.param
    project = make_project(tmp_path_factory.mktemp("project"))
    written = run_command("db", "sql", "--out", str(project.migrations))
    assert written.code == 0, written.err
    with database_maker.make("bare", grants) as database:
        yield _Pushed(database, project, project.push(database.dsn), grants)


def _migrated(database: ProjectDatabase) -> Catalog:
    migrate_with(database, PLAN)
    with database.connect() as connection:
        return read_catalog(connection)


def test_every_file_is_applied_and_a_second_push_applies_none(pushed: _Pushed) -> None:
    """The command line takes them in the order of their numbers, and knows them afterwards."""
    assert pushed.applied == sorted(path.name for path in pushed.project.migrations.iterdir())
    assert pushed.project.push(pushed.database.dsn) == []


def test_a_push_makes_what_a_migration_makes(
    pushed: _Pushed, database_maker: DatabaseMaker
) -> None:
    """Tables, columns, indexes, functions, triggers, rights and books are the same, with either default grants."""
    with pushed.database.connect() as connection:
        found = read_catalog(connection)
    with database_maker.make("bare", pushed.grants) as other:
        assert found == _migrated(other)


def test_a_pushed_database_is_up_to_date(pushed: _Pushed) -> None:
    """Neither status nor migrate finds anything to do."""
    settings = {"GTR_ADMIN_DATABASE_URL": pushed.database.dsn}
    status = run_command("db", "status", settings=settings)
    assert (status.code, status.out.splitlines()[-1]) == (0, "Up to date.")
    migrated = run_command("db", "migrate", settings=settings)
    assert migrated == Ended(0, "Nothing to do: the database is up to date.\n", "")


def test_the_files_leave_a_session_as_they_found_it(
    bare_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Whatever applies them, in one session: the app's next statement has the limits and the search path it had."""
    with bare_database.connect() as connection:
        before = _read_settings(connection)
        for path in export_sql(PLAN, tmp_path, datetime.now(UTC)):
            connection.execute(path.read_bytes())
            assert _read_settings(connection) == before, path.name


def test_what_is_left_out_is_said_by_a_notice(
    empty_supabase_database: ProjectDatabase, tmp_path: Path
) -> None:
    """On a database without the app's tables each trigger and index says that it is not made, and all else is."""
    said: list[str | None] = []
    with empty_supabase_database.connect() as connection:
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        for path in export_sql(PLAN, tmp_path, datetime.now(UTC)):
            connection.execute(path.read_bytes())
    assert [line for line in said if line is not None and line.startswith("gtr_jobs:")] == [
        f"gtr_jobs: {' or '.join(file.tables)} is not there, {file.path} is left out"
        for file in PLAN.files
        for statement in file.table_statements
    ]


def _read_settings(connection: psycopg.Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        # A language that is loaded meanwhile brings settings of its own: those have a dot.
        "select name, setting from pg_catalog.pg_settings where name not like '%.%' order by name"
    )
    return [(name, setting) for name, setting in rows]


async def test_a_worker_accepts_a_pushed_database(
    pushed: _Pushed, database: ProjectDatabase
) -> None:
    """The daemon starts on it as gtr_worker, and ends when it is told to."""
    assert database.server == pushed.database.server, (
        "this one's template gave the role its password"
    )
    settings = {"GTR_DATABASE_URL": pushed.database.worker_dsn, "GTR_HTTP_PORT": "0"}
    async with WorkerProcess(settings) as worker:
        assert await worker.stop() == 0


def test_an_upgrade_by_push_ends_where_a_migration_ends(
    database_maker: DatabaseMaker, tmp_path: Path
) -> None:
    """A changed function, one that left its file, a file that is gone, a new step: the same both ways."""
    project = make_project(tmp_path)
    function = "create or replace function gtr_jobs.{0}() returns integer language sql set search_path = '' as 'select 1';\n"
    first = with_file(PLAN, "ops/answer.sql", function.format("stays") + function.format("leaves"))
    later = with_file(first, "ops/answer.sql", function.format("stays"))
    later = without_file(later, "on/notifications_insert.sql")
    trigger = read_file(PLAN, "on/messages_insert.sql")
    later = with_file(later, trigger.path, trigger.sql.replace("200ms", "100ms"))
    later = with_step(later, "make later", "create table gtr_jobs.later (id bigint);")
    now = datetime.now(UTC)
    with (
        database_maker.make("bare", "new") as by_push,
        database_maker.make("bare", "new") as by_migration,
    ):
        for days, plan in enumerate((first, later)):
            written = export_sql(plan, project.migrations, now + timedelta(days=days))
            assert project.push(by_push.dsn) == [path.name for path in written]
            migrate_with(by_migration, plan)
        assert unfinished(read_status_with(by_push, later)) == {}
        with by_push.connect() as one, by_migration.connect() as other:
            found = read_catalog(one)
            assert found == read_catalog(other)
    functions = [row[0] for row in found["functions"]]
    assert "gtr_jobs.stays()" in functions
    assert "gtr_jobs.leaves()" not in functions
    assert "gtr_jobs.on_notifications_insert()" not in functions


def test_a_project_without_the_apps_tables_is_pushed_to_all_the_same(
    empty_supabase_database: ProjectDatabase, tmp_path: Path
) -> None:
    """What hangs on a table is left out; it is pending once the table is there, and a migration attaches it."""
    database = empty_supabase_database
    project = make_project(tmp_path)
    export_sql(PLAN, project.migrations, datetime.now(UTC))
    assert len(project.push(database.dsn)) == len(list(project.migrations.iterdir()))
    assert read_status_with(database, PLAN).is_up_to_date
    with database.connect() as connection:
        connection.execute(
            "create table public.messages"
            " (id uuid primary key, sender_id uuid, recipient_id uuid, is_read boolean)"
        )
    assert unfinished(read_status_with(database, PLAN)) == {
        "worker/unread_messages_index.sql": "pending",
        "index gtr_jobs_messages_unread on public.messages": "missing",
        "on/messages_insert.sql": "pending",
        "trigger on public.messages": "missing or disabled",
    }
    assert migrate_with(database, PLAN).files == (
        "worker/unread_messages_index.sql",
        "on/messages_insert.sql",
    )
    assert unfinished(read_status_with(database, PLAN)) == {}
