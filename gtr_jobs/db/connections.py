"""The daemon's connections: lent, taken back, and made anew as soon as there is a database to connect to.

psycopg_pool connects in the background, at intervals that double without our limit, and whoever waits learns
of nothing but the time that it waited: see docs/decisions/a-small-pool-of-our-own.md.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus

from gtr_jobs.db.connect import Database, bound_parameters
from gtr_jobs.db.contact import Contact

# Also what finding the host's address may take, for which libpq knows no limit.
WHOLE_CONNECT_SECONDS = 15.0
LONGEST_LIFE_SECONDS = 1800.0
LONGEST_REST_SECONDS = 300.0
# psycopg's own: after so many runs a statement is prepared.
_PREPARE_AFTER = 5
# The last words of a server and its hanging up are read one after the other.
_READS_TO_THE_END = 2


class WatchedConnection(psycopg.AsyncConnection[Any]):
    """A connection whose every wait for the server is counted."""

    contact: Contact | None = None

    async def wait(self, *arguments: Any, **options: Any) -> Any:
        """Wait for the server's answer; psycopg calls this for every statement."""
        if self.contact is None:
            return await super().wait(*arguments, **options)
        with self.contact.asking():
            return await super().wait(*arguments, **options)


@dataclass(slots=True)
class _Rested:
    connection: WatchedConnection
    made_at: float
    generation: int
    since: float = 0.0


class ConnectionPool:
    """Lends connections in autocommit mode, to as many at a time as it is large.

    Nothing is asked of the server before a connection is lent: a statement is one round trip. One that
    the server has left is noticed by what the kernel knows of it. One that breaks takes all that rest
    with it: they lead to the same place.

    Args:
        database: Where to connect.
        size: How many connections there are at most. Whoever comes then waits; what bounds it is that
            every statement is bounded.
        is_prepared: Whether statements may be prepared; not behind a pooler that changes connections.
        contact: Is told what waits for an answer.
        on_connect: Looks at every new connection before it is lent; what it raises, the borrower gets.
    """

    def __init__(
        self,
        database: Database,
        size: int,
        *,
        is_prepared: bool = True,
        contact: Contact | None = None,
        on_connect: Callable[[WatchedConnection], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(size)
        self._prepare_threshold = _PREPARE_AFTER if is_prepared else None
        self._contact = contact or Contact()
        self._on_connect = on_connect
        self._rested: deque[_Rested] = deque()
        self._generation = 0
        self._is_closed = False

    async def open(self) -> None:
        """Make the first connection.

        Raises:
            psycopg.Error: None is to be had.
        """
        async with self.connection():
            return

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[WatchedConnection]:
        """Lend a connection, one that rested or a new one.

        Raises:
            psycopg.OperationalError: None is to be had now.
        """
        async with self._turns:
            lent = await self._take_rested() or await self._make()
            try:
                yield lent.connection
            except psycopg.errors.ReadOnlySqlTransaction:
                # With several hosts another one may be the primary by now.
                self._generation += 1
                raise
            finally:
                await self._take_back(lent)

    async def close(self) -> None:
        """Close what rests now, and what is lent when it comes back."""
        self._is_closed = True
        while self._rested:
            await self._rested.pop().connection.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _take_rested(self) -> _Rested | None:
        now = time.monotonic()
        while self._rested and now - self._rested[0].since > LONGEST_REST_SECONDS:
            await self._rested.popleft().connection.close()
        while self._rested:
            rested = self._rested.pop()
            if (
                rested.generation == self._generation
                and now - rested.made_at < LONGEST_LIFE_SECONDS
                and _is_alive(rested.connection)
            ):
                return rested
            await rested.connection.close()
        return None

    async def _make(self) -> _Rested:
        generation, parameters = self._generation, bound_parameters(self._database)
        try:
            async with asyncio.timeout(WHOLE_CONNECT_SECONDS):
                with self._contact.asking():
                    connection = await WatchedConnection.connect(
                        **parameters,
                        autocommit=True,
                        prepare_threshold=self._prepare_threshold,
                        application_name="gtr_jobs",
                    )
        except TimeoutError:
            raise psycopg.errors.ConnectionTimeout("connection timeout expired") from None
        connection.contact = self._contact
        if self._on_connect is not None:
            try:
                await self._on_connect(connection)
            except BaseException:
                await connection.close()
                raise
        return _Rested(connection, time.monotonic(), generation)

    async def _take_back(self, lent: _Rested) -> None:
        status = lent.connection.pgconn.transaction_status
        if status == TransactionStatus.UNKNOWN:
            self._generation += 1
        if (
            status != TransactionStatus.IDLE
            or lent.generation != self._generation
            or self._is_closed
        ):
            await lent.connection.close()
            return
        lent.since = time.monotonic()
        self._rested.append(lent)


def _is_alive(connection: WatchedConnection) -> bool:
    """Say whether the server has not hung up, as far as this machine knows."""
    if connection.closed:
        return False
    try:
        for _ in range(_READS_TO_THE_END):
            poll = select.poll()
            poll.register(connection.pgconn.socket, select.POLLIN)
            if not poll.poll(0):
                return True
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not connection.closed
