"""A worker's place among the living: its number, its heartbeat, and the rescue of the dead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gtr_jobs.db.lineage import Lineage
from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.engine.queue import Queue
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

HEARTBEAT_SECONDS = 5.0
# A worker silent for so long is dead: six heartbeats, so that a slow database kills nobody.
SILENCE_SECONDS = 30.0
MAX_RESCUED_AT_ONCE = 500
# A worker that could not say for so long that it lives begins nothing new: in as long again others will
# take its jobs.
FENCE_SECONDS = 15.0
# Whoever comes back first after an outage finds all others silent: they were cut off too, and are left
# this long to say that they live. Whose own heart missed a beat or two has no reason to think so.
GRACE_AFTER_OUTAGE_SECONDS = 20.0
OUTAGE_SECONDS = 15.0
_PAUSED_LOOK_SECONDS = 1.0


class Membership:
    """This process's entry in the register of workers."""

    def __init__(
        self, queue: Queue, lineage: Lineage, outage: Outage, log: Logger, metrics: Metrics
    ) -> None:
        self._queue = queue
        self._lineage = lineage
        self._outage = outage
        self._log = log
        self._metrics = metrics
        self._beat_at = time.monotonic()
        self._when_given_up: list[Callable[[], None]] = []
        self.worker_id = 0

    @property
    def is_fenced(self) -> bool:
        """Whether the database has not taken its heartbeat for so long that nothing new may begin."""
        return time.monotonic() - self._beat_at >= FENCE_SECONDS

    def when_given_up(self, drop: Callable[[], None]) -> None:
        """Have something called when this worker learns that it was given up: all its jobs are others' now."""
        self._when_given_up.append(drop)

    async def join(self) -> None:
        """Take a place on the register."""
        asked_at = time.monotonic()
        self.worker_id = await self._queue.register_worker()
        self._beat_at = asked_at

    async def leave(self) -> None:
        """Leave the register; what is still held becomes a dead worker's."""
        await self._queue.unregister_worker(self.worker_id)

    async def run(self) -> None:
        """Beat and rescue until cancelled."""
        never = asyncio.Event()
        rescues_from = 0.0
        while True:
            before = self._beat_at
            try:
                await self._beat()
                if self._beat_at - before >= OUTAGE_SECONDS:
                    rescues_from = time.monotonic() + GRACE_AFTER_OUTAGE_SECONDS
                await self._queue.look(self._lineage.check)
                if time.monotonic() >= rescues_from:
                    await self._rescue()
            except PASSING_ERRORS as error:
                await self._outage.wait_after(error, never)
            else:
                self._outage.end()
                await asyncio.sleep(self._pause_seconds())

    def _pause_seconds(self) -> float:
        # An operator who lets sending go on need not wait for the next beat.
        return _PAUSED_LOOK_SECONDS if self._lineage.is_paused else HEARTBEAT_SECONDS

    async def _beat(self) -> None:
        asked_at = time.monotonic()
        if await self._queue.beat_heart(self.worker_id):
            self._beat_at = asked_at
            return
        given_up = self.worker_id
        await self.join()
        # Nothing else has run since the fence fell: what is still under way is dropped before it goes on.
        for drop in self._when_given_up:
            drop()
        self._log.warning(events.WORKER_REGISTERED_ANEW, was=given_up, worker_id=self.worker_id)

    async def _rescue(self) -> None:
        """Give back the jobs of the dead, all of them, for as long as the next beat can wait."""
        given_back = quarantined = 0
        until = time.monotonic() + HEARTBEAT_SECONDS
        is_full = True
        while is_full and time.monotonic() < until:
            rescued = await self._queue.rescue_jobs(SILENCE_SECONDS, MAX_RESCUED_AT_ONCE)
            given_back += rescued.given_back
            quarantined += rescued.quarantined
            is_full = rescued.given_back + rescued.quarantined >= MAX_RESCUED_AT_ONCE
        if given_back or quarantined:
            self._metrics.jobs_rescued.labels("given_back").inc(given_back)
            self._metrics.jobs_rescued.labels("quarantined").inc(quarantined)
            self._log.warning(events.JOBS_RESCUED, given_back=given_back, quarantined=quarantined)
