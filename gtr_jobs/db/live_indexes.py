"""Makes new indexes on large tables beside the work that goes on in them.

`create index` keeps every writer out until it is done: on a queue of millions, for longer than a
worker may stand still. `create index concurrently` keeps nobody out, but cannot stand in a file
that is installed in one transaction. So the index is made first, and the file finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import psycopg
from psycopg import sql

from gtr_jobs.db.faults import explain_failed_statement
from gtr_jobs.db.sqlfiles import Index, SqlFile, TableStatement, Trigger
from gtr_jobs.domain.errors import TryAgainError

# What is smaller is indexed in less than a second, within the file's own transaction.
LARGE_BYTES = 64 * 1024 * 1024
# It waits for transactions that are older than itself, and nobody waits for it.
_PATIENCE = "60s"

_STATE = """
    select
        pg_catalog.pg_relation_size(t.oid) > %(large)s,
        i.indexrelid is not null,
        coalesce(i.indisvalid, false)
    from pg_catalog.pg_class as t
    left join pg_catalog.pg_class as x on x.relnamespace = t.relnamespace and x.relname = %(index)s
    left join pg_catalog.pg_index as i on i.indexrelid = x.oid and i.indrelid = t.oid
    where t.oid = pg_catalog.to_regclass(%(table)s)
"""


def make_large_indexes(
    connection: psycopg.Connection,
    file: SqlFile,
    lost: Collection[Trigger | Index | None],
    report: Callable[[str], None],
) -> None:
    """Make the indexes of a file that are missing on large tables, without keeping writers out.

    Args:
        connection: In autocommit mode.
        file: Is installed next.
        lost: What the app's tables lack: an index that is there under another name is not made.
        report: Is told of each.

    Raises:
        TryAgainError: A transaction older than the index did not end.
    """
    for statement in file.index_statements:
        index = statement.index
        if index is None or (statement.table in file.tables and index not in lost):
            continue
        state = connection.execute(
            _STATE, {"large": LARGE_BYTES, "index": index.name, "table": index.table}
        ).fetchone()
        if state is None:
            continue
        is_large, is_there, is_valid = state
        if is_there and not is_valid:
            # Left by an attempt that was broken off: it costs every write, and serves no read.
            _drop(connection, index)
        if is_large and not is_valid:
            report(f"making the index {index.name} of {file.path} beside the work in {index.table}")
            _make(connection, file, statement, index)


def _make(
    connection: psycopg.Connection, file: SqlFile, statement: TableStatement, index: Index
) -> None:
    text = statement.sql.replace(" index if not exists ", " index concurrently if not exists ", 1)
    try:
        _run_alone(connection, sql.SQL(text))
    except psycopg.errors.LockNotAvailable:
        # What is left of it is taken away when the command is run again: that waits as well.
        raise TryAgainError(
            f"{file.path}: the index {index.name} waited a minute for a transaction that does not end",
            "nothing is half done; run the command again when it ended",
        ) from None
    except psycopg.Error as error:
        raise explain_failed_statement(file.path, error) from error


def _drop(connection: psycopg.Connection, index: Index) -> None:
    schema = index.table.split(".")[0]
    _run_alone(
        connection,
        sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, index.name)),
    )


def _run_alone(connection: psycopg.Connection, statement: sql.SQL | sql.Composed) -> None:
    connection.execute("set statement_timeout = 0")
    connection.execute(sql.SQL("set lock_timeout = {}").format(_PATIENCE))
    try:
        connection.execute(statement)
    finally:
        connection.execute("reset lock_timeout")
        connection.execute("reset statement_timeout")
