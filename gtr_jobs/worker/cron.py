"""Enqueues what is due at fixed times. Every worker does; the database lets each tick through once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from gtr_jobs.db.cron import CronTicks
from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.domain.cron import Cron, find_due, next_tick
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

# The clock of the database may be set, and another server may take its place: look again by then.
LONGEST_WAIT_SECONDS = 30.0
_SHORTEST_WAIT_SECONDS = 0.05


class CronLoop:
    """Watches the lines whose queues this worker drains.

    Args:
        crons: The lines.
        ticks: What the database remembers of them.
        outage: Is told when the database is away.
        log: Is told what was enqueued and what was left out.
        metrics: Counts both.
    """

    def __init__(
        self,
        crons: Sequence[Cron],
        ticks: CronTicks,
        outage: Outage,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self._crons = {cron.name: cron for cron in crons}
        self._ticks = ticks
        self._outage = outage
        self._log = log
        self._metrics = metrics

    async def run(self, stopping: asyncio.Event) -> None:
        """Enqueue each tick when it is due, until the daemon stops."""
        while not stopping.is_set():
            try:
                seconds = await self.enqueue_due()
            except PASSING_ERRORS as error:
                await self._outage.wait_after(error, stopping)
                continue
            self._outage.end()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stopping.wait()

    async def enqueue_due(self) -> float:
        """Enqueue what is due now; give the seconds until something may be due again."""
        waits = [LONGEST_WAIT_SECONDS]
        if self._crons:
            for watched in await self._ticks.watch(self._crons.keys()):
                cron = self._crons[watched.name]
                await self._enqueue(cron, watched.passed_at, watched.read_at)
                following = next_tick(cron, watched.read_at)
                if following is not None:
                    waits.append((following - watched.read_at).total_seconds())
        return max(min(waits), _SHORTEST_WAIT_SECONDS)

    async def _enqueue(self, cron: Cron, passed_at: datetime, now: datetime) -> None:
        due = find_due(cron, passed_at, now)
        if due is None:
            return
        enqueued = await self._ticks.enqueue(cron, due)
        if enqueued is None:
            return
        self._metrics.cron_ticks.labels(cron.name, "enqueued").inc(enqueued)
        self._metrics.cron_ticks.labels(cron.name, "skipped").inc(due.skipped)
        if due.skipped:
            self._log.warning(events.CRON_TICKS_SKIPPED, cron=cron.name, ticks=due.skipped)
        if enqueued:
            self._log.info(
                events.CRON_TICKED,
                cron=cron.name,
                kind=cron.kind,
                ticks=enqueued,
                last=due.ticks[-1],
            )
