"""The daemon: starts the loops, stops them in order, and loses nothing on the way.

SIGTERM ─▶ stop claiming ─▶ let running work end (or hand it back) ─▶ write the last acks
        ─▶ leave the register ─▶ exit 0
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.errors import InternalFaultError, TryAgainError
from gtr_jobs.engine.context import EngineContext
from gtr_jobs.engine.lane import Lane
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.ops.health import Health
from gtr_jobs.worker.chores import Chores
from gtr_jobs.worker.cron import CronLoop
from gtr_jobs.worker.signals import heed_signals, ignore_signals
from gtr_jobs.worker.watchdog import Watchdog

# How long the last acks may take when the database is away at the end.
_LAST_ACKS_SECONDS = 5.0


class Site(Protocol):
    """What tells the world how the daemon is."""

    def bind(self) -> str:
        """Take an address; give it as a URL."""

    async def run(self) -> None:
        """Serve until cancelled."""


class Rotation(Protocol):
    """What takes new credentials while the daemon works."""

    def ask(self) -> None:
        """Read them anew at once."""

    async def run(self) -> None:
        """Look after them until cancelled."""


@dataclass(frozen=True, slots=True)
class DaemonParts:
    """What a daemon runs.

    Args:
        context: The engine.
        lanes: One a queue.
        chores: Work beside the lanes.
        cron: What is enqueued at fixed times.
        rotation: Takes new credentials.
        site: Health and metrics over HTTP.
        health: What they tell.
        watchdog: Looks already, and ends the process when the database does not answer at all.
        close: Closes providers and pool, when all is written.
        grace_seconds: How long running work may go on after a signal.
        has_parent: A parent counts the signals and says when to hurry. A supervisor that signals
            every process of a group signals this one too, and that is no second signal.
    """

    context: EngineContext
    lanes: Sequence[Lane]
    chores: Chores
    cron: CronLoop
    rotation: Rotation
    site: Site
    health: Health
    watchdog: Watchdog
    close: Callable[[], Awaitable[None]]
    grace_seconds: float
    has_parent: bool = False


class Daemon:
    """One worker process."""

    def __init__(self, parts: DaemonParts) -> None:
        self._parts = parts
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; called a second time, hand running work back at once."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def begin_to_stop(self) -> None:
        """Begin to stop; called again, it changes nothing."""
        self._stopping.set()

    def hurry(self) -> None:
        """Hand running work back at once."""
        self._stopping.set()
        self._hurry.set()

    async def run(self) -> None:
        """Work until told to stop.

        Raises:
            TryAgainError: The database was away before anything was claimed.
            InternalFaultError: A loop failed; the others were stopped in order first.
        """
        context, health = self._parts.context, self._parts.health
        loop = asyncio.get_running_loop()
        stop = self.begin_to_stop if self._parts.has_parent else self.stop
        heed_signals(loop, stop, self._parts.rotation.ask)
        address = self._parts.site.bind()
        try:
            await context.membership.join()
        except PASSING_ERRORS as error:
            raise TryAgainError(
                "the database went away while the worker started", "start it again"
            ) from error
        context.outage.end()
        self._announce(address)
        try:
            await self._run_loops()
        finally:
            health.is_claiming = False
            context.metrics.worker_up.set(0)
            await self._leave()
            await self._parts.close()
            self._parts.watchdog.stop()
            context.log.info(events.WORKER_STOPPED, worker_id=context.membership.worker_id)
            ignore_signals(loop)

    def _announce(self, address: str) -> None:
        context, health = self._parts.context, self._parts.health
        health.is_claiming = True
        context.metrics.worker_up.set(1)
        context.log.info(
            events.WORKER_STARTED,
            worker_id=context.membership.worker_id,
            queues=[lane.queue for lane in self._parts.lanes],
            http=address,
        )

    async def _run_loops(self) -> None:
        """Run everything; when told to stop, or when a loop fails, end in the order of the way."""
        context = self._parts.context
        servants = [
            self._start(context.acker.run(), "acker"),
            self._start(context.wake_up.run(), "wake_up"),
            self._start(context.switchboard.run(), "switchboard"),
            # Beats until the last ack is written: work that ends slowly must not be rescued.
            self._start(context.membership.run(), "membership"),
            self._start(self._parts.rotation.run(), "rotation"),
            self._start(self._parts.site.run(), "site"),
        ]
        claimers = [
            self._start(self._parts.chores.run(self._stopping), "chores"),
            self._start(self._parts.cron.run(self._stopping), "cron"),
            *(self._start(lane.run(self._stopping), lane.queue) for lane in self._parts.lanes),
        ]
        told = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({told, *servants, *claimers}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        self._parts.health.is_stopping = True
        self._stopping.set()
        context.log.info(events.WORKER_STOPPING, grace_seconds=self._parts.grace_seconds)
        ended = await asyncio.gather(*claimers, return_exceptions=True)
        await asyncio.gather(
            *(lane.finish(self._parts.grace_seconds, self._hurry) for lane in self._parts.lanes)
        )
        await self._write_last_acks()
        for servant in servants:
            servant.cancel()
        ended += await asyncio.gather(*servants, return_exceptions=True)
        failures = [end for end in ended if isinstance(end, Exception)]
        if failures:
            names = ", ".join(sorted({type(failure).__name__ for failure in failures}))
            raise InternalFaultError(
                f"a part of the worker failed ({names}), and it stopped in order",
                f"the log says where ({events.WORKER_FAILED}); start it again, and report it",
            ) from failures[0]

    def _start(self, loop: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(loop, name=name)
        task.add_done_callback(self._report_failure)
        return task

    def _report_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._parts.context.log.error(
                events.WORKER_FAILED,
                loop=task.get_name(),
                error=type(error).__name__,
                where=places_of(error),
            )

    async def _write_last_acks(self) -> None:
        try:
            async with asyncio.timeout(_LAST_ACKS_SECONDS):
                await self._parts.context.acker.drain()
        except TimeoutError:
            # The database is away: its jobs are rescued by whoever comes next, and say resent.
            return

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(_LAST_ACKS_SECONDS):
                await self._parts.context.membership.leave()
        except (TimeoutError, *PASSING_ERRORS):
            return
