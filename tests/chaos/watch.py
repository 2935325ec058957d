"""Looks at the queue all the time, for what must never be: a job that is done by nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from chaos.crew import Crew

_EVERY_SECONDS = 0.5
_CONNECT_SECONDS = 3


class Watch:
    """Notes for how long jobs are `doing` without a live owner.

    Args:
        superuser_dsn: The database's address.
        crew: Who lives.
    """

    def __init__(self, superuser_dsn: str, crew: Crew) -> None:
        self.dsn = superuser_dsn
        self._crew = crew
        self._since: dict[tuple[int, int], float] = {}
        self._is_away = False
        self.longest_ownerless = 0.0

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Let the clock stand still: while no worker can reach the database none can rescue."""
        began = time.monotonic()
        self._is_away = True
        try:
            yield
        finally:
            self._is_away = False
            away = time.monotonic() - began
            self._since = {claim: since + away for claim, since in self._since.items()}

    async def run(self) -> None:
        """Look until cancelled; while the database is away nothing can be seen, and time goes on."""
        while True:
            # A lock that a fault holds must not keep the watch from connecting anew.
            with suppress(psycopg.Error, TimeoutError):
                async with await psycopg.AsyncConnection.connect(
                    self.dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS
                ) as connection:
                    await connection.execute("set statement_timeout = '3s'")
                    while True:
                        await self._look(connection)
                        await asyncio.sleep(_EVERY_SECONDS)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _look(self, connection: psycopg.AsyncConnection) -> None:
        cursor = await connection.execute(
            "select job_id, claim_number, worker_id from gtr_jobs.jobs where status = 'doing'"
        )
        held = await cursor.fetchall()
        if self._is_away:
            return
        now = time.monotonic()
        living = set().union(*(hand.worker_ids for hand in self._crew.alive))
        ownerless = {
            (job_id, claim_number)
            for job_id, claim_number, worker_id in held
            if worker_id not in living
        }
        self._since = {claim: self._since.get(claim, now) for claim in ownerless}
        self.longest_ownerless = max(
            [self.longest_ownerless, *(now - since for since in self._since.values())]
        )
