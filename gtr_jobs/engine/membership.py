"""A worker's place among the living: its number, its heartbeat, and the rescue of the dead."""

from __future__ import annotations

import asyncio
import time

from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.engine.queue import Queue
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

HEARTBEAT_SECONDS = 5.0
# A worker silent for so long is dead: six heartbeats, so that a slow database kills nobody.
SILENCE_SECONDS = 30.0
MAX_RESCUED_AT_ONCE = 500
# Whoever comes back first after an outage finds all others silent: they were cut off too, and are left
# this long to say that they live.
GRACE_AFTER_OUTAGE_SECONDS = 20.0


class Membership:
    """This process's entry in the register of workers."""

    def __init__(self, queue: Queue, outage: Outage, log: Logger, metrics: Metrics) -> None:
        self._queue = queue
        self._outage = outage
        self._log = log
        self._metrics = metrics
        self.worker_id = 0

    async def join(self) -> None:
        """Take a place on the register."""
        self.worker_id = await self._queue.register_worker()

    async def leave(self) -> None:
        """Leave the register; what is still held becomes a dead worker's."""
        await self._queue.unregister_worker(self.worker_id)

    async def run(self) -> None:
        """Beat and rescue until cancelled."""
        never = asyncio.Event()
        rescues_from = 0.0
        while True:
            try:
                await self._beat()
                if time.monotonic() >= rescues_from:
                    await self._rescue()
            except PASSING_ERRORS as error:
                rescues_from = time.monotonic() + GRACE_AFTER_OUTAGE_SECONDS
                await self._outage.wait_after(error, never)
            else:
                self._outage.end()
                await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _beat(self) -> None:
        if not await self._queue.beat_heart(self.worker_id):
            given_up = self.worker_id
            await self.join()
            self._log.warning(events.WORKER_REGISTERED_ANEW, was=given_up, worker_id=self.worker_id)

    async def _rescue(self) -> None:
        rescued = await self._queue.rescue_jobs(SILENCE_SECONDS, MAX_RESCUED_AT_ONCE)
        if rescued.given_back or rescued.quarantined:
            self._metrics.jobs_rescued.labels("given_back").inc(rescued.given_back)
            self._metrics.jobs_rescued.labels("quarantined").inc(rescued.quarantined)
            self._log.warning(
                events.JOBS_RESCUED,
                given_back=rescued.given_back,
                quarantined=rescued.quarantined,
            )
