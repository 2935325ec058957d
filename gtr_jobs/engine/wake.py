"""Wakes lanes when a row is enqueued: one LISTEN for the whole process."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import psycopg

from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.db.pooler import CHANNEL
from gtr_jobs.domain.errors import GtrError
from gtr_jobs.observe.metrics import Metrics

_RECONNECT_SECONDS = 1.0
# A connection on which nothing comes may be half open: it is asked now and then.
_ASK_AFTER_SECONDS = 30.0
_ANSWER_SECONDS = 5.0


class WakeUp:
    """Hears which queue got a job. Whoever hears nothing still polls: a lost call costs a second.

    Args:
        database: Where to listen; None where no call comes through, behind a transaction pooler.
        metrics: Is told whether it listens.
    """

    def __init__(self, database: Database | None, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._calls: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._is_listening = False

    @property
    def is_listening(self) -> bool:
        """Whether a call would be heard."""
        return self._is_listening

    def call_for(self, queue: str) -> asyncio.Event:
        """Give the event that is set when a queue got a job; whoever waits for it clears it first."""
        return self._calls[queue]

    async def run(self) -> None:
        """Listen until cancelled; connects again when the connection breaks."""
        if self._database is None:
            await asyncio.Event().wait()
            return
        while True:
            try:
                connection = await connect_async(self._database)
            except GtrError:
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            try:
                await self._listen(connection)
            except (TimeoutError, *PASSING_ERRORS):
                await asyncio.sleep(_RECONNECT_SECONDS)
            finally:
                self._note(is_listening=False)
                await connection.close()

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await connection.execute(f"listen {CHANNEL}")
        self._note(is_listening=True)
        while True:
            async for call in connection.notifies(timeout=_ASK_AFTER_SECONDS):
                if call.payload in self._calls:
                    self._calls[call.payload].set()
            async with asyncio.timeout(_ANSWER_SECONDS):
                await connection.execute("select 1")

    def _note(self, *, is_listening: bool) -> None:
        self._is_listening = is_listening
        self._metrics.listening.set(is_listening)
