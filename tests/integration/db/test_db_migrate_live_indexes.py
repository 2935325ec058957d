"""A new index on a large queue is made beside the work in it."""

from __future__ import annotations

import threading

import psycopg
import pytest
from support.databases import ProjectDatabase
from support.migrations import migrate_with
from support.plans import PLAN, with_file

from gtr_jobs.db import live_indexes
from gtr_jobs.domain.errors import TryAgainError

JOBS = "procrastinate.procrastinate_jobs"
NAME = "gtr_jobs_tried"
FILE = "engine/tried_index.sql"
TEXT = f"""-- does: makes an index

create index if not exists {NAME}
    on {JOBS} (priority)
    where status = 'todo';
"""
NEWER = with_file(PLAN, FILE, TEXT)
ENQUEUE = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', %s)])"


@pytest.fixture
def _every_table_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes for tables of millions goes for all."""
    monkeypatch.setattr(live_indexes, "LARGE_BYTES", -1)


def _index(database: ProjectDatabase) -> tuple[bool, str] | None:
    """Say whether the index is valid, and what it is."""
    with database.connect() as connection:
        return connection.execute(
            "select i.indisvalid, pg_get_indexdef(i.indexrelid) from pg_index as i"
            " where i.indexrelid = to_regclass(%s)",
            (f"procrastinate.{NAME}",),
        ).fetchone()


WANTED = (
    True,
    (
        f"CREATE INDEX {NAME} ON {JOBS} USING btree (priority)"
        " WHERE (status = 'todo'::procrastinate.procrastinate_job_status)"
    ),
)


@pytest.mark.usefixtures("_every_table_is_large")
def test_writers_go_on_while_the_index_is_made(database: ProjectDatabase) -> None:
    """A transaction that wrote is left open: the index waits for it, and nobody waits for the index."""
    with database.connect() as writer, database.connect() as other:
        writer.execute("begin")
        writer.execute(ENQUEUE, ("one",))
        making = threading.Thread(target=migrate_with, args=(database, NEWER))
        making.start()
        try:
            while not other.execute(
                "select 1 from pg_stat_progress_create_index where relid = %s::regclass"
                " and phase like 'waiting%%'",
                (JOBS,),
            ).fetchone():
                pass
            other.execute("set lock_timeout = '2s'")
            other.execute(ENQUEUE, ("two",))
        finally:
            writer.execute("commit")
            making.join()
    assert _index(database) == WANTED


@pytest.mark.usefixtures("_every_table_is_large")
def test_what_a_broken_attempt_left_is_made_anew(database: ProjectDatabase) -> None:
    """An index that is there and not valid would be taken for made."""
    with database.connect() as connection:
        for key in ("one", "two"):
            connection.execute(ENQUEUE, (key,))
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(
                f"create unique index concurrently {NAME} on {JOBS} (queue_name)".encode()
            )
    left = _index(database)
    assert left is not None
    assert left[0] is False
    migrate_with(database, NEWER)
    assert _index(database) == WANTED


@pytest.mark.usefixtures("_every_table_is_large")
def test_a_transaction_that_does_not_end_is_not_waited_for_for_ever(
    database: ProjectDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It exits 75, and leaves no half of an index behind once the transaction is gone."""
    monkeypatch.setattr(live_indexes, "_PATIENCE", "200ms")
    with database.connect() as writer:
        writer.execute("begin")
        writer.execute(ENQUEUE, ("one",))
        with pytest.raises(TryAgainError, match=f"the index {NAME} waited"):
            migrate_with(database, NEWER)
        writer.execute("commit")
    migrate_with(database, NEWER)
    assert _index(database) == WANTED


def test_on_a_small_table_the_file_makes_it_itself(database: ProjectDatabase) -> None:
    """In the file's own transaction: all or nothing."""
    migrate_with(database, NEWER)
    assert _index(database) == WANTED
