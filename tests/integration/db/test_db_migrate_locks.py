"""Migrations wait for each other, and let the app go first."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from support.command_line import start_command, wait_for_line
from support.databases import ProjectDatabase
from support.migrations import migrate_with, read_books
from support.plans import PLAN, without_file

from gtr_jobs.db import migrate as migration
from gtr_jobs.domain.errors import TryAgainError

_FILE = "on/messages_insert.sql"
# A migration waits a tenth of a second at a time; the rest is the machine's, which has others' work too.
_LONGEST_WAIT_SECONDS = 3.0


@contextmanager
def _other_migration(database: ProjectDatabase) -> Iterator[psycopg.Connection]:
    """Hold what a running migration holds."""
    with database.connect() as connection:
        connection.execute("select pg_advisory_lock(%s)", [migration._ADVISORY_KEY])
        yield connection


def test_of_two_migrations_one_waits_and_then_finds_nothing_to_do(
    bare_database: ProjectDatabase,
) -> None:
    """Both end well, one piece is installed once, and who waits says so."""
    settings = {"GTR_ADMIN_DATABASE_URL": bare_database.dsn}
    with bare_database.connect() as app, app.transaction():
        app.execute("lock table public.messages in row exclusive mode")
        first = start_command("db", "migrate", settings=settings)
        wait_for_line(first, f"installing {_FILE}")
        second = start_command("db", "migrate", settings=settings)
        wait_for_line(second, "waiting for another migration to end")
    ended = [process.communicate() for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert ended[0][0].startswith(f"Applied {len(PLAN.steps)} steps")
    assert ended[1] == ("Nothing to do: the database is up to date.\n", "")


def test_a_migration_that_does_not_end_is_not_waited_for_for_ever(
    bare_database: ProjectDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its patience it gives up, and has done nothing."""
    monkeypatch.setattr(migration, "LOCK_WAIT_SECONDS", 0.1)
    with (
        _other_migration(bare_database),
        pytest.raises(TryAgainError, match="another migration is running"),
    ):
        migrate_with(bare_database, PLAN)
    assert read_books(bare_database).steps == {}


def test_ctrl_c_ends_the_wait_without_a_word_too_many(bare_database: ProjectDatabase) -> None:
    """Interrupted while it waits it exits 130 as a shell expects, without a traceback."""
    settings = {"GTR_ADMIN_DATABASE_URL": bare_database.dsn}
    with _other_migration(bare_database):
        waiting = start_command("db", "migrate", settings=settings)
        wait_for_line(waiting, "waiting for another migration to end")
        waiting.send_signal(signal.SIGINT)
        assert waiting.communicate() == ("", "")
    assert waiting.returncode == 130


def test_a_table_that_stays_locked_ends_it_and_the_app_never_waits_long(
    bare_database: ProjectDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It exits 75 with nothing half done; meanwhile the app's writes wait no longer than one attempt."""
    monkeypatch.setattr(migration, "LOCK_ATTEMPTS", 8)
    given_up = threading.Event()
    waits: list[float] = []

    def write_as_the_app() -> None:
        with bare_database.connect() as connection:
            while not given_up.is_set():
                began = time.monotonic()
                connection.execute("update public.messages set is_read = true where is_read")
                waits.append(time.monotonic() - began)

    with bare_database.connect() as holder, holder.transaction():
        # What an insert of a transaction that is left open holds.
        holder.execute("lock table public.messages in row exclusive mode")
        app = threading.Thread(target=write_as_the_app)
        app.start()
        try:
            with pytest.raises(TryAgainError) as given_back:
                migrate_with(bare_database, PLAN)
        finally:
            given_up.set()
            app.join()
    assert given_back.value.exit_code == 75
    assert str(given_back.value) == (
        f"{_FILE}: a table stayed locked by the app for 8 attempts: "
        "nothing is half done; run the command again in a quieter minute"
    )
    assert max(waits) < _LONGEST_WAIT_SECONDS
    assert max(waits) > 0.05, "it was never in the app's way: this proves nothing"
    before = [file.path for file in PLAN.files]
    before = before[: before.index(_FILE)]
    assert sorted(read_books(bare_database).files) == sorted(before)
    with bare_database.connect() as connection:
        left = connection.execute(
            "select to_regprocedure('gtr_jobs.on_messages_insert()')"
        ).fetchone()
    assert left == (None,)


def test_a_table_that_comes_free_in_between_ends_it_well(bare_database: ProjectDatabase) -> None:
    """One attempt fails, the next one gets the lock; what was locked is all that was left to do."""
    migrate_with(bare_database, without_file(PLAN, _FILE))
    with bare_database.connect() as holder:
        holder.execute("begin; lock table public.messages in row exclusive mode")
        waiting = start_command(
            "db", "migrate", settings={"GTR_ADMIN_DATABASE_URL": bare_database.dsn}
        )
        wait_for_line(waiting, f"installing {_FILE}")
        _wait_for_two_attempts(bare_database)
        holder.execute("commit")
        out, _ = waiting.communicate()
    assert (waiting.returncode, out) == (0, "Applied 0 steps, installed 1 files, removed 0.\n")


def _wait_for_two_attempts(database: ProjectDatabase) -> None:
    """Watch the migration's session wait for its lock, give up, and wait again."""
    with database.connect() as connection:
        seen: list[bool] = []
        while seen.count(True) < 2:
            row = connection.execute(
                # Asked anew every hundredth of a second: each statement sees the locks of its moment.
                "select exists (select from pg_catalog.pg_locks as l where not l.granted"
                " and l.relation = 'public.messages'::regclass), pg_sleep(0.01)"
            ).fetchone()
            assert row is not None
            if not seen or seen[-1] != row[0]:
                seen.append(row[0])
