"""Wakes lanes when a row is enqueued: one LISTEN for the whole process."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import psycopg

from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.errors import GtrError

CHANNEL = "gtr_jobs_wake"
_RECONNECT_SECONDS = 1.0


class WakeUp:
    """Hears which queue got a job. Whoever hears nothing still polls: a lost call costs a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calls: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def call_for(self, queue: str) -> asyncio.Event:
        """Give the event that is set when a queue got a job; whoever waits for it clears it first."""
        return self._calls[queue]

    async def run(self) -> None:
        """Listen until cancelled; connects again when the connection breaks."""
        while True:
            try:
                connection = await connect_async(self._database)
            except GtrError:
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            try:
                await self._listen(connection)
            except PASSING_ERRORS:
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                await connection.close()

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(f"listen {CHANNEL}")
        async for call in connection.notifies():
            if call.payload in self._calls:
                self._calls[call.payload].set()
