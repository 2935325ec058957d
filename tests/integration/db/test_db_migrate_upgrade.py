"""What a later release changes: files that change, move or go, and the engine's own upgrades."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from support.command_line import Ended, assert_refused, run_command
from support.databases import ProjectDatabase
from support.migrations import migrate_with, read_books, read_status_with, unfinished
from support.plans import NEXT, PLAN, read_file, with_file, with_step, without_file

from gtr_jobs.db.compatibility import check_worker
from gtr_jobs.db.plan import Plan, Step
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.engine.schema import COMPONENT

_FUNCTION = """
create or replace function gtr_jobs.{name}() returns integer
language sql
set search_path = ''
as 'select {answer}';
"""


def _function(name: str, answer: int = 1) -> str:
    return _FUNCTION.format(name=name, answer=answer)


def _ask(database: ProjectDatabase, query: str) -> object:
    with database.connect() as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def _functions_of_the_engine(connection: psycopg.Connection) -> dict[str, list[str] | None]:
    rows = connection.execute(
        "select oid::regprocedure::text, proconfig from pg_catalog.pg_proc"
        " where pronamespace = 'procrastinate'::regnamespace"
    ).fetchall()
    return dict(rows)


def test_a_file_that_changed_is_installed_again_and_no_other(database: ProjectDatabase) -> None:
    """Status says that it differs; afterwards the database has what the file says now."""
    plan = with_file(PLAN, "ops/answer.sql", _function("answer", 1))
    migrate_with(database, plan)
    changed = with_file(plan, "ops/answer.sql", _function("answer", 2))
    assert unfinished(read_status_with(database, changed)) == {"ops/answer.sql": "differs"}
    done = migrate_with(database, changed)
    assert (done.steps, done.files, done.removed) == ((), ("ops/answer.sql",), ())
    assert _ask(database, "select gtr_jobs.answer()") == 2


def test_what_a_changed_file_no_longer_makes_is_dropped(database: ProjectDatabase) -> None:
    """A function that left its file is gone, and one that moved to another file is there."""
    both = _function("stays") + _function("leaves") + _function("moves", 1)
    plan = with_file(PLAN, "ops/answer.sql", both)
    migrate_with(database, plan)
    changed = with_file(plan, "ops/answer.sql", _function("stays"))
    changed = with_file(changed, "ops/other.sql", _function("moves", 2))
    migrate_with(database, changed)
    assert _ask(database, "select gtr_jobs.stays() + gtr_jobs.moves()") == 3
    assert _ask(database, "select to_regprocedure('gtr_jobs.leaves()')") is None


def test_the_objects_of_a_file_that_is_gone_are_removed(database: ProjectDatabase) -> None:
    """Trigger, function and index go with their file, through the command; the app's rows stay."""
    gone = read_file(PLAN, "on/messages_insert.sql")
    settings = {"GTR_ADMIN_DATABASE_URL": database.dsn}
    with database.connect() as connection:
        # As if a release had called the file otherwise: this one does not know the name.
        connection.execute(
            "insert into gtr_jobs.installed_files (path, sha256, undo, installed_by) values (%s, '', %s, '0.0.1')",
            [
                "on/garage_insert.sql",
                [
                    "drop trigger if exists gtr_jobs_garage_insert on public.listings",
                    "drop function if exists gtr_jobs.on_garage_insert",
                    "drop index if exists public.gtr_jobs_listings_vin",
                    # What another file makes now is not dropped.
                    *gone.undo,
                ],
            ],
        )
        connection.execute(
            "create function gtr_jobs.on_garage_insert() returns trigger language plpgsql"
            " as 'begin return null; end'"
        )
        connection.execute(
            "create trigger gtr_jobs_garage_insert after insert on public.listings"
            " execute function gtr_jobs.on_garage_insert()"
        )
        connection.execute("create index gtr_jobs_listings_vin on public.listings (vin)")
    status = run_command("db", "status", settings=settings)
    assert status.code == 1
    assert "to be removed" in status.out
    assert run_command("db", "migrate", settings=settings) == Ended(
        0,
        "Applied 0 steps, installed 0 files, removed 1.\n",
        "removing on/garage_insert.sql\n",
    )
    left = _ask(
        database,
        "select array[to_regprocedure('gtr_jobs.on_garage_insert()')::text,"
        " to_regclass('public.gtr_jobs_listings_vin')::text,"
        " (select tgname::text from pg_catalog.pg_trigger where tgname = 'gtr_jobs_garage_insert')]",
    )
    assert left == [None, None, None]
    assert unfinished(read_status_with(database, PLAN)) == {}
    assert "on/garage_insert.sql" not in read_books(database).files


def test_a_file_that_was_renamed_keeps_its_objects(database: ProjectDatabase) -> None:
    """The new file's objects are not those that the old one's end takes away."""
    file = read_file(PLAN, "on/messages_insert.sql")
    renamed = with_file(without_file(PLAN, file.path), "on/messages_written.sql", file.sql)
    done = migrate_with(database, renamed)
    assert (done.files, done.removed) == (("on/messages_written.sql",), (file.path,))
    assert unfinished(read_status_with(database, renamed)) == {}


def _upgraded_engine(migration: str) -> Plan:
    """Give the plan of a release whose engine brings one migration more, in its whole schema too."""
    steps = []
    for step in PLAN.steps:
        if step.component != COMPONENT:
            steps.append(step)
            continue
        whole = replace(step, version="99.01.00_50", sql=f"{step.sql}\n{migration}")
        first = Step(COMPONENT, "99.01.00_01", "pre upgrade", "select 1", step.oldest_worker)
        last = Step(COMPONENT, "99.01.00_50", "post upgrade", migration, step.oldest_worker)
        steps += [whole, first, last]
    return replace(PLAN, version=NEXT, steps=tuple(steps))


_ENGINE_MIGRATION = """
create or replace function procrastinate.procrastinate_unlink_periodic_defers_v1() returns trigger
language plpgsql as $$ begin return old; end $$;
"""


def test_every_function_of_the_engine_has_its_search_path_pinned_and_again_after_an_upgrade(
    database: ProjectDatabase,
) -> None:
    """The engine's own migration makes a function anew without it; our engine files pin it once more."""
    with database.connect() as connection:
        before = _functions_of_the_engine(connection)
    assert {tuple(path or ()) for path in before.values()} == {
        ("search_path=procrastinate, pg_temp",)
    }
    upgraded = _upgraded_engine(_ENGINE_MIGRATION)
    done = migrate_with(database, upgraded)
    assert done.steps == (
        "procrastinate 99.01.00_01 pre upgrade",
        "procrastinate 99.01.00_50 post upgrade",
    )
    assert done.files == tuple(f.path for f in PLAN.files if f.path.startswith("engine/"))
    with database.connect() as connection:
        assert _functions_of_the_engine(connection) == before
    assert unfinished(read_status_with(database, upgraded)) == {}
    assert migrate_with(database, upgraded).files == ()
    # The whole schema of the release before stays in the books, and makes nobody think them newer.
    assert check_worker(upgraded, read_books(database)) == ()


def test_an_upgrade_of_the_engine_that_is_interrupted_still_pins_its_functions(
    database: ProjectDatabase,
) -> None:
    """The books remember within the engine's step that our engine files have to run again."""
    upgraded = _upgraded_engine(_ENGINE_MIGRATION)
    jobs_table = read_file(upgraded, "engine/jobs_table.sql")
    broken = with_file(upgraded, jobs_table.path, f"select 1 / 0;\n{jobs_table.sql}")
    with pytest.raises(ConfigurationError, match="division by zero"):
        migrate_with(database, broken)
    assert unfinished(read_status_with(database, upgraded))[jobs_table.path] == "differs"
    assert migrate_with(database, upgraded).steps == ()
    with database.connect() as connection:
        assert set(map(str, _functions_of_the_engine(connection).values())) == {
            "['search_path=procrastinate, pg_temp']"
        }


def test_a_new_database_takes_the_engine_whole_and_none_of_its_migrations(
    bare_database: ProjectDatabase,
) -> None:
    """What the whole schema contains is applied once; a release later only what is newer is due."""
    upgraded = _upgraded_engine(_ENGINE_MIGRATION)
    done = migrate_with(bare_database, upgraded)
    assert [step for step in done.steps if step.startswith(COMPONENT)] == [
        "procrastinate 99.01.00_50 whole schema"
    ]
    later = with_step(
        upgraded, "post later", "select 1", version="99.02.00_50", component=COMPONENT
    )
    assert migrate_with(bare_database, later).steps == ("procrastinate 99.02.00_50 post later",)
    assert unfinished(read_status_with(bare_database, later)) == {}


def test_a_migration_that_was_edited_after_its_release_is_refused(
    database: ProjectDatabase,
) -> None:
    """The package is not the one that made this database: nothing is done, and the migration is named."""
    with database.connect() as connection:
        connection.execute(
            "update gtr_jobs.schema_migrations set sha256 = 'x' where version = '0002'"
        )
    settings = {"GTR_ADMIN_DATABASE_URL": database.dsn}
    said = ("gtr_jobs 0002", "is not the one that was applied", "restore the released file")
    assert_refused(run_command("db", "migrate", settings=settings), 78, *said)
    status = run_command("db", "status", settings=settings)
    assert status.code == 1
    assert [part for part in said if part not in status.out] == []
