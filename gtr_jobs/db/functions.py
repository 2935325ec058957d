"""Calls functions of the database by name, with a worker's rights: no SQL is written by who calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from gtr_jobs.db.connections import ConnectionPool

# What needs no quotes: a name that is written otherwise is a mistake.
FUNCTION_NAME = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")


def name_function(function: str) -> sql.Composable:
    """Write a function's name into a statement.

    Raises:
        ValueError: It is no name such as `garage.read_bookings`.
    """
    if FUNCTION_NAME.fullmatch(function) is None:
        raise ValueError(f"{function!r} is no function's name such as garage.read_bookings")
    return sql.Identifier(*function.split("."))


def write_ids(ids: Iterable[UUID]) -> str:
    """Write ids as a parameter for `%s::uuid[]`: an array is put together ten times as fast as psycopg does it."""
    return "{" + ",".join([one.hex for one in ids]) + "}"


class Functions:
    """The functions of the database that the worker may call."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def rows(self, function: str, *arguments: Any) -> list[dict[str, Any]]:
        """Call a function and give its rows, by the names of their columns.

        Each call is a transaction of its own.

        Args:
            function: As `schema.name`.
            arguments: In the order of its parameters.
        """
        statement = sql.SQL("select * from {}({})").format(
            name_function(function), sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
        )
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(statement, arguments)
            return await cursor.fetchall()

    async def value(self, function: str, *arguments: Any) -> Any:
        """Call a function that returns one value, and give it; None where there is no row."""
        rows = await self.rows(function, *arguments)
        return next(iter(rows[0].values())) if rows else None
