"""The app of a scene: writes rows as supabase-js does, and notes which of them were committed."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

import psycopg
from chaos.cast import CANARY, Cast, Member
from support.api import as_user

# unknown: the answer to COMMIT was lost, so that the row may be there or not.
Fate = Literal["committed", "refused", "unknown"]

_CONNECT_SECONDS = 5
_RECONNECT_SECONDS = 0.1
# The trigger's last word where it can keep no note in gtr_jobs.enqueue_errors.
_NOT_ENQUEUED = "was not enqueued"
_INSERT = """
    insert into public.messages (id, conversation_id, sender_id, recipient_id, content)
    values (%s, %s, %s, %s, %s)
"""


@dataclass(slots=True)
class Written:
    """One row that was written, or tried to.

    Args:
        row_id: The message; chosen by the client, so that it is known whatever becomes of the answer.
        trace_id: Of the request; stands in everything that comes of it.
        content: What it says, which is what the phone shows.
        member: Who is written to.
        fate: What the database said of it.
        done_at: Monotonic time of that, in seconds.
        was_warned: The database said that the row is written and nothing was enqueued for it.
    """

    row_id: UUID
    trace_id: str
    content: str
    member: Member
    fate: Fate = "unknown"
    done_at: float = field(default_factory=time.monotonic)
    was_warned: bool = False


class Writer:
    """Writes messages to everybody in turn, over connections of PostgREST's role.

    Args:
        dsn: The database's address for authenticator.
        cast: Who writes to whom.
    """

    def __init__(self, dsn: str, cast: Cast) -> None:
        self.dsn = dsn
        self._cast = cast
        self._numbers = itertools.count(1)
        self._members: Iterator[Member] = itertools.cycle(cast.members)
        self.rows: list[Written] = []

    async def write(self, count: int) -> list[Written]:
        """Write so many rows, a transaction each; none of them may fail."""
        async with await self._connect() as connection:
            return [await self._write_row(connection) for _ in range(count)]

    async def write_at(self, rate: float, stopping: asyncio.Event) -> None:
        """Write so many rows a second until told to stop; the database may come and go meanwhile."""
        while not stopping.is_set():
            with suppress(psycopg.Error):
                async with await self._connect() as connection:
                    await self._write_until(connection, rate, stopping)
            await _wait(stopping, _RECONNECT_SECONDS)

    async def _write_until(
        self, connection: psycopg.AsyncConnection, rate: float, stopping: asyncio.Event
    ) -> None:
        due = time.monotonic()
        while not stopping.is_set():
            try:
                await self._write_row(connection)
            except psycopg.Error:
                if connection.closed:
                    raise
            # What an outage kept from being written is not made up for in a burst.
            due = max(due + 1 / rate, time.monotonic() - 1 / rate)
            await _wait(stopping, due - time.monotonic())

    async def _write_row(self, connection: psycopg.AsyncConnection) -> Written:
        member = next(self._members)
        row = Written(uuid4(), uuid4().hex, f"{CANARY} {next(self._numbers)}", member)
        self.rows.append(row)
        headers = {"traceparent": f"00-{row.trace_id}-00f067aa0ba902b7-01"}
        is_inserted = False

        def hear(notice: psycopg.errors.Diagnostic) -> None:
            row.was_warned |= _NOT_ENQUEUED in (notice.message_primary or "")

        connection.add_notice_handler(hear)
        try:
            async with as_user(connection, self._cast.writer_id, headers=headers):
                values = (row.row_id, member.conversation_id, self._cast.writer_id, member.user_id)
                await connection.execute(_INSERT, (*values, row.content))
                is_inserted = True
        except psycopg.Error:
            # Nothing was committed where COMMIT was never sent.
            row.fate = "unknown" if is_inserted else "refused"
            raise
        else:
            row.fate = "committed"
        finally:
            connection.remove_notice_handler(hear)
            row.done_at = time.monotonic()
        return row

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self.dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS
        )


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await stopping.wait()
