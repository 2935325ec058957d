"""An operator's connection: one, for one command, and what breaks it in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import psycopg

from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.faults import explain_failed_statement
from gtr_jobs.domain.errors import ConfigurationError

_NOT_INSTALLED = (
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
)


class Connections(Protocol):
    """Lends connections: a pool, or the one of a command."""

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """Lend a connection in autocommit mode."""


class _OneConnection:
    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        yield self._connection


@asynccontextmanager
async def open_operator(database: Database) -> AsyncIterator[Connections]:
    """Connect for one command; nothing is set on the session, so a transaction pooler will do.

    Raises:
        ConfigurationError: The connection cannot be made as it is set, its role may not do what was
            asked, or gtr_jobs is not installed there, or older than this package.
        TryAgainError: The server is away, or went away.
    """
    connection = await connect_async(database)
    # A pooler that changes connections between statements loses prepared ones.
    connection.prepare_threshold = None
    place = f"{database.setting} ({database.describe()})"
    try:
        yield _OneConnection(connection)
    except _NOT_INSTALLED:
        raise ConfigurationError(
            f"{place}: gtr_jobs is not installed there, or is older than this gtr-jobs",
            "run gtr-jobs db migrate",
        ) from None
    except psycopg.Error as error:
        raise explain_failed_statement(place, error) from error
    finally:
        await connection.close()


async def fetch_rows(
    connections: Connections, query: str, *parameters: object
) -> list[tuple[Any, ...]]:
    """Run one statement and give its rows."""
    async with connections.connection() as connection:
        cursor = await connection.execute(query.encode(), parameters)
        return await cursor.fetchall()
