"""Which accounts of providers no worker asks: told to the other workers, and heard from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.switches import ProviderPauseReason
from gtr_jobs.engine.switchboard import Switchboard

_TELL_AGAIN_SECONDS = 1.0
_TRIES = 30


class ProviderPauses:
    """The pauses of accounts, in the database."""

    def __init__(self, pool: ConnectionPool, board: Switchboard) -> None:
        self._pool = pool
        self._board = board
        self._telling: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()

    def when_heard(self, listener: Callable[[Mapping[tuple[str, str], float]], None]) -> None:
        """Tell somebody twice a second which accounts are not asked, by account and reason: seconds left."""
        self._board.provider_listeners.append(listener)

    def pause(
        self,
        account: str,
        reason: ProviderPauseReason,
        seconds: float,
        probe_after: float | None = None,
    ) -> None:
        """Have no worker ask an account for so long; it is told soon, and until the database takes it.

        Args:
            account: Which.
            reason: Why; an account can be paused for several.
            seconds: How long.
            probe_after: Seconds until one worker may try it.
        """
        self._tell("gtr_jobs.pause_provider(%s, %s, %s, %s)", account, reason, seconds, probe_after)

    def resume(self, account: str) -> None:
        """Say that an account is well again; what it was throttled for is served to the end."""
        self._tell("gtr_jobs.resume_provider(%s)", account)

    async def told(self) -> None:
        """Wait until the database knows what was said, a second at most."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=_TELL_AGAIN_SECONDS)

    async def take_probe(
        self, account: str, reason: ProviderPauseReason, probe_after: float
    ) -> bool:
        """Take the right to try an account; no other worker gets it for so many seconds.

        Returns:
            Whether it was to be had; False where the database does not answer.
        """
        try:
            return bool(
                await self._value("gtr_jobs.take_probe(%s, %s, %s)", account, reason, probe_after)
            )
        except PASSING_ERRORS:
            return False

    def _tell(self, call: str, *parameters: object) -> None:
        task = asyncio.create_task(self._tell_until_taken(call, *parameters))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_until_taken(self, call: str, *parameters: object) -> None:
        async with self._in_order:
            for _ in range(_TRIES):
                try:
                    await self._value(call, *parameters)
                except PASSING_ERRORS:
                    await asyncio.sleep(_TELL_AGAIN_SECONDS)
                else:
                    return

    async def _value(self, call: str, *parameters: object) -> Any:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(f"select {call}".encode(), parameters)
            row = await cursor.fetchone()
        return row[0] if row else None
