"""What operators let through of one queue: pauses, limits and rates, between a lane and its queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from gtr_jobs.domain.switches import Switches
from gtr_jobs.engine.held import HeldJobs
from gtr_jobs.engine.job import Job
from gtr_jobs.engine.queue import Queue
from gtr_jobs.engine.rates import Rates
from gtr_jobs.engine.switchboard import Switchboard

_LOOK_SECONDS = 0.5
# While jobs of a limited queue end, the next may begin: look again soon, but look a fifth of the time at most.
_SOON_SECONDS = 0.025
_SHARE_OF_LOOKING = 4.0
_SOON_AFTER_END_SECONDS = 1.0


class Gate:
    """One queue's gate in this process.

    Args:
        name: The queue.
        channel: What its jobs send by, if they all send by one: its pause is the queue's.
    """

    def __init__(
        self,
        name: str,
        channel: str | None,
        parts: tuple[Queue, Switchboard, Rates, HeldJobs],
    ) -> None:
        self._name = name
        self._channel = channel
        self._queue, self._board, self._rates, self._held = parts
        self._is_limited = False
        self._is_clearing = False
        self._was_short = True
        self._claim_seconds = 0.0
        self._ended_at = float("-inf")

    async def is_open(self) -> bool:
        """Whether jobs may be begun at all.

        Raises:
            psycopg.Error: Nobody knows yet.
        """
        return not self._is_paused(await self._board.fresh())

    async def wait_for_change(self, stopping: asyncio.Event) -> None:
        """Wait until something is switched, or for half a second, or until the daemon stops."""
        change = asyncio.ensure_future(self._board.wait_for_change(_LOOK_SECONDS))
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({change, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            stop.cancel()

    async def claim(self, worker_id: int, limit: int) -> list[Job]:
        """Claim at most so many jobs, none of them paused, and no more than limits allow."""
        switches = await self._board.fresh()
        if self._is_paused(switches):
            return []
        most = self._rates.most_at_once("queue", self._name, limit)
        self._is_limited = self._name in switches.limited_queues
        if not self._is_limited:
            self._is_clearing = False
            return await self._queue.claim_jobs(self._name, worker_id, most)
        put_off = 0
        if self._was_short and self._name in switches.set_aside_queues:
            put_off = await self._held.set_aside_paused(self._name)
        begun_at = time.monotonic()
        jobs = await self._queue.claim_limited(self._name, worker_id, most)
        self._claim_seconds = time.monotonic() - begun_at
        # Where there was enough, what is paused stands in nobody's way.
        self._was_short = len(jobs) < most
        # Behind what was put off there may be more of it, and then what may run.
        self._is_clearing = put_off > 0
        return jobs

    async def admit(self, jobs: Sequence[Job], stopping: asyncio.Event) -> bool:
        """Wait until claimed jobs may be begun; False where they are to be handed back."""
        while not await self._rates.take("queue", self._name, len(jobs), within=_LOOK_SECONDS):
            if stopping.is_set() or self._is_paused(self._board.last_known):
                return False
        return True

    def note_end(self) -> None:
        """Take note that a job of this queue ended: a limit may have room again."""
        if self._is_limited:
            self._ended_at = time.monotonic()

    def nap(self, seconds: float, *, is_busy: bool) -> float:
        """Say how long to wait before looking again, where so long would do without limits."""
        if self._is_clearing:
            return 0.0
        is_moving = is_busy or time.monotonic() - self._ended_at < _SOON_AFTER_END_SECONDS
        if not (self._is_limited and is_moving):
            return seconds
        return min(seconds, max(_SOON_SECONDS, self._claim_seconds * _SHARE_OF_LOOKING))

    def _is_paused(self, switches: Switches) -> bool:
        return switches.is_paused("queue", self._name) or (
            self._channel is not None and switches.is_paused("channel", self._channel)
        )
