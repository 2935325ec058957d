"""Reads a database as its superuser, for whom nothing is hidden."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any

import psycopg


class Onlooker:
    """Keeps one connection: whoever asks every few milliseconds on new ones takes what a worker needs.

    Args:
        find_dsn: Gives the superuser's address of the database, which may move to another server.
    """

    def __init__(self, find_dsn: Callable[[], str]) -> None:
        self._find_dsn = find_dsn
        self._dsn = ""
        self._connection: psycopg.AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement, and give the rows that it has."""
        async with self._turn:
            connection = await self._connect()
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        dsn = self._find_dsn()
        if self._connection is not None and (dsn != self._dsn or _has_ended(self._connection)):
            await self._connection.close()
            self._connection = None
        if self._connection is None:
            self._dsn = dsn
            # Not prepared: a migration in the middle of a test changes what statements give.
            self._connection = await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, prepare_threshold=None
            )
        return self._connection


def _has_ended(connection: psycopg.AsyncConnection) -> bool:
    """Whether a connection that nobody asked anything of has news: its server has closed it."""
    if connection.closed:
        return True
    news = select.poll()
    news.register(connection.fileno(), select.POLLIN)
    return bool(news.poll(0))
