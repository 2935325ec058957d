"""What of ours hangs on the app's tables: lost with a table, and put back."""

from __future__ import annotations

import pytest
from support.databases import ProjectDatabase
from support.migrations import migrate_with, read_status_with, unfinished
from support.plans import PLAN

_TRIGGER = "trigger on public.messages"


def _recreate_messages(database: ProjectDatabase) -> None:
    with database.connect() as connection:
        connection.execute(
            "alter table public.messages rename to old_messages;"
            "create table public.messages (like public.old_messages including defaults);"
            "drop table public.old_messages"
        )


def test_a_table_made_anew_has_lost_its_trigger_and_its_index_and_gets_them_back(
    database: ProjectDatabase,
) -> None:
    """Status names both; the migration installs the two files that make them, and then all is well."""
    _recreate_messages(database)
    assert unfinished(read_status_with(database, PLAN)) == {
        _TRIGGER: "missing or disabled",
        "index gtr_jobs_messages_unread on public.messages": "missing",
    }
    done = migrate_with(database, PLAN)
    assert done.files == ("worker/unread_messages_index.sql", "on/messages_insert.sql")
    assert unfinished(read_status_with(database, PLAN)) == {}
    with database.connect() as connection:
        connection.execute(
            "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
            " values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'hi')"
        )
        assert connection.execute("select kind from gtr_jobs.jobs").fetchall() == [("message",)]


@pytest.mark.parametrize("how", ["disable", "enable replica"])
def test_a_trigger_that_does_not_fire_counts_as_missing(
    database: ProjectDatabase, how: str
) -> None:
    """Switched off, or on for replicas only, it is put back as it should be."""
    with database.connect() as connection:
        connection.execute(
            f"alter table public.messages {how} trigger gtr_jobs_messages_insert".encode()
        )
    assert unfinished(read_status_with(database, PLAN)) == {_TRIGGER: "missing or disabled"}
    assert migrate_with(database, PLAN).files == ("on/messages_insert.sql",)
    assert unfinished(read_status_with(database, PLAN)) == {}


def test_an_index_that_the_app_has_under_its_own_name_is_not_made_twice(
    bare_database: ProjectDatabase,
) -> None:
    """Its name does not count, what it is does; an index over something else is no substitute."""
    with bare_database.connect() as connection:
        connection.execute(
            """
            drop index public.messages_unread_idx;
            create index only_the_recipient on public.messages (recipient_id);
            create index "The app's" on public.user_device_tokens using btree (device_token)
            """
        )
    migrate_with(bare_database, PLAN)
    with bare_database.connect() as connection:
        made = connection.execute(
            "select indexname from pg_catalog.pg_indexes"
            " where schemaname = 'public' and indexname like 'gtr_jobs%'"
            " and tablename in ('messages', 'user_device_tokens')"
        ).fetchall()
    assert made == [("gtr_jobs_messages_unread",)]
    assert unfinished(read_status_with(bare_database, PLAN)) == {}


def test_installing_again_asks_no_lock_for_an_index_that_is_there(
    database: ProjectDatabase,
) -> None:
    """Writes of the app go on while a file with an index is installed again."""
    with database.connect() as connection:
        connection.execute(
            "update gtr_jobs.installed_files set sha256 = '' where path = 'worker/unread_messages_index.sql'"
        )
    with database.connect() as app, app.transaction():
        app.execute("lock table public.messages, public.notifications in row exclusive mode")
        assert migrate_with(database, PLAN).files == ("worker/unread_messages_index.sql",)
