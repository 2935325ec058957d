"""Reads the rows that notifications are about, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg
from psycopg import sql

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.faults import explain_failed_statement
from gtr_jobs.db.functions import name_function, write_ids
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.sources import RowT_co, Source


def _read_statement(source: Source[RowT_co]) -> sql.Composed:
    return sql.SQL("select {} from {}(%s::uuid[])").format(
        sql.SQL(", ").join(map(sql.Identifier, source.column_names())),
        name_function(source.function),
    )


async def try_source(connection: psycopg.AsyncConnection, source: Source[RowT_co]) -> str | None:
    """Read no row of a source, to see that its function is there and gives what is asked for.

    Returns:
        A warning where the function itself asks for a table that is not there.

    Raises:
        ConfigurationError: There is no such function for this role, or none with these columns.
    """
    try:
        await connection.execute(_read_statement(source), [write_ids([])])
    except psycopg.errors.UndefinedTable as error:
        return f"{source.function} cannot read: {error.diag.message_primary}"
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(
            f"GTR_APP: a kind's rows cannot be read with {source.function}: "
            f"{error.diag.message_primary}",
            "make the function in sql/worker/ with the columns of the kind's dataclass, `grant "
            "execute` on it and `grant usage` on its schema to gtr_worker, and run gtr-jobs db migrate",
        ) from None
    except psycopg.Error as error:
        raise explain_failed_statement(f"GTR_APP: {source.function}", error) from None
    return None


class Sources:
    """The tables that cause notifications, as the worker may read them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read_rows(
        self, source: Source[RowT_co], row_ids: Sequence[UUID]
    ) -> dict[UUID, RowT_co]:
        """Read rows of one source by id; rows that are gone are missing from the answer."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_read_statement(source), [write_ids(row_ids)])
            rows = [source.row(*row) for row in await cursor.fetchall()]
        return {row.row_id: row for row in rows}
