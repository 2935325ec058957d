"""An app without saved searches, or without a list of notifications: what needs them is left out, and nothing breaks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from support.command_line import assert_refused, run_command
from support.databases import ProjectDatabase
from support.installed import install_gtr_jobs
from support.migrations import migrate_with, read_status_with, unfinished
from support.plans import PLAN

from gtr_jobs.db.export import export_sql
from gtr_jobs.db.installed import (
    TRIGGER_QUERY,
    expected_triggers,
    judge_triggers,
    trigger_parameters,
)

NEEDS_SEARCHES = {
    "on/listings_delete.sql",
    "on/listings_insert.sql",
    "on/listings_update.sql",
    "worker/find_saved_searches.sql",
    "worker/tell_saved_searches.sql",
}
OFFER = """
    with seller as (
        insert into auth.users (id, aud, role, email, created_at, updated_at)
        values (gen_random_uuid(), 'authenticated', 'authenticated', 'a@example.test', now(), now())
        returning id
    )
    insert into public.listings (user_id, title) select id, 'R34' from seller
"""


def _count_jobs(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from gtr_jobs.jobs").fetchone()
    return row[0] if row else -1


def test_an_app_without_saved_searches_is_complete_without_what_needs_them(
    bare_database: ProjectDatabase,
) -> None:
    """No trigger on its listings, no complaint in the status, and all of it when the table comes."""
    with bare_database.connect() as connection:
        connection.execute("create schema aside")
        connection.execute("alter table public.saved_searches set schema aside")
        done = migrate_with(bare_database, PLAN)
        assert {
            path for path, tables in done.left_out.items() if tables == ("public.saved_searches",)
        } == NEEDS_SEARCHES
        assert unfinished(read_status_with(bare_database, PLAN)) == {}
        assert migrate_with(bare_database, PLAN).files == ()
        connection.execute(OFFER)
        assert _count_jobs(connection) == 0

        connection.execute("alter table aside.saved_searches set schema public")
        assert set(unfinished(read_status_with(bare_database, PLAN))) >= NEEDS_SEARCHES
        assert set(migrate_with(bare_database, PLAN).files) == NEEDS_SEARCHES
        assert unfinished(read_status_with(bare_database, PLAN)) == {}
        connection.execute(OFFER.replace("a@", "b@"))
        assert _count_jobs(connection) == 1


def test_a_worker_does_not_miss_a_trigger_that_was_left_out(
    bare_database: ProjectDatabase,
) -> None:
    """Its look at the triggers, with its own rights, counts those whose tables are all there."""
    with bare_database.connect() as connection:
        connection.execute("drop table public.saved_searches")
    install_gtr_jobs(bare_database.dsn, bare_database.server.password)
    triggers = expected_triggers(PLAN)
    with bare_database.connect("gtr_worker") as connection:
        rows = connection.execute(TRIGGER_QUERY, trigger_parameters(triggers)).fetchall()
    statuses = judge_triggers(triggers, rows)
    assert {status.trigger.name for status in statuses if not status.table_exists} == {
        "gtr_jobs_listings_delete",
        "gtr_jobs_listings_insert",
        "gtr_jobs_listings_update",
    }
    assert [status for status in statuses if status.is_missing] == []


def test_files_for_the_apps_own_history_leave_it_out_too(
    bare_database: ProjectDatabase, tmp_path: Path
) -> None:
    """The same files serve an app that has the table and one that has not."""
    files = export_sql(PLAN, tmp_path, datetime.now(UTC))
    with bare_database.connect() as connection:
        connection.execute("drop table public.saved_searches")
        for path in files:
            connection.execute(path.read_text(encoding="utf-8").encode())
        connection.execute(OFFER)
        assert _count_jobs(connection) == 0
        left = connection.execute(
            "select tgname from pg_trigger where tgname like 'gtr_jobs_listings%'"
        ).fetchall()
    assert left == []


def test_an_index_that_the_server_writes_otherwise_is_not_made_again(
    bare_database: ProjectDatabase,
) -> None:
    """Another app's prices are whole numbers: the index is the same, though its definition reads otherwise."""
    with bare_database.connect() as connection:
        connection.execute("alter table public.saved_searches alter column min_price type integer")
    migrate_with(bare_database, PLAN)
    assert migrate_with(bare_database, PLAN).files == ()
    assert unfinished(read_status_with(bare_database, PLAN)) == {}


@pytest.mark.parametrize("is_installed_first", [True, False])
def test_a_worker_that_should_write_notifications_says_where_there_are_none(
    bare_database: ProjectDatabase, *, is_installed_first: bool
) -> None:
    """The setting is named; a database without any installation is told of that first."""
    with bare_database.connect() as connection:
        connection.execute("drop table public.notifications")
    if is_installed_first:
        install_gtr_jobs(bare_database.dsn, bare_database.server.password)
    ended = run_command(
        "worker",
        settings={
            "GTR_DATABASE_URL": bare_database.worker_dsn
            if is_installed_first
            else bare_database.dsn,
            "GTR_MESSAGE_NOTIFICATIONS": "true",
            "GTR_HTTP_PORT": "0",
        },
    )
    said = "GTR_MESSAGE_NOTIFICATIONS" if is_installed_first else "gtr_jobs is not installed"
    assert_refused(ended, 78, said)
