"""Starts worker processes, watches them, starts them anew, and stops them in order.

The parent does no work of its own and holds no connection to the database. It lives as long as it
is not told to stop: a process that ends comes back, sooner or later. Only where none can begin, the
parent ends as they do, so that a supervisor sees what a single worker would show it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from gtr_jobs.domain.errors import ConfigurationError, InternalFaultError, TryAgainError
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.merging import MergedMetrics
from gtr_jobs.observe.processes import ProcessMetrics
from gtr_jobs.ops.processes import ProcessTable
from gtr_jobs.worker.orders import Begin, Order
from gtr_jobs.worker.process import COMMAND, ChildProcess, start_process
from gtr_jobs.worker.reports import Report
from gtr_jobs.worker.signals import heed_signals

# A process that ends sooner is in a loop of ends, and waits longer before each new start.
STEADY_SECONDS = 60.0
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
# Beside the grace period: the last acks, the way off the register, and an interpreter that ends.
_STOP_SECONDS = 12.0
# Looks without news, a second apart, and not seconds: a machine that slept kills nobody.
_LOOKS_UNTIL_SILENT = 15
_LOOKS_UNTIL_KILLED = 60
_LOOKS_UNTIL_STARTED = 120
_LOOK_SECONDS = 1.0

# With which a process ends when starting it anew mends nothing, or not here.
_HOPELESS = (ConfigurationError.exit_code, TryAgainError.exit_code, 2)


class Site(Protocol):
    """What tells the world how the processes are."""

    def bind(self) -> str:
        """Take an address; give it as a URL."""

    async def run(self) -> None:
        """Serve until cancelled."""


@dataclass(frozen=True, slots=True)
class ParentParts:
    """What a parent stands on.

    Args:
        table: A line for each process; says how many there are.
        merged: What they count, together.
        metrics: What the parent counts itself.
        site: Their pages.
        log: The parent's.
        given: Settings that the command line gave, for the processes.
        grace_seconds: How long their running work may go on after a signal.
        command: What runs a process.
    """

    table: ProcessTable
    merged: MergedMetrics
    metrics: ProcessMetrics
    site: Site
    log: Logger
    given: Mapping[str, Any]
    grace_seconds: float
    command: Sequence[str] = COMMAND


class Parent:
    """The parent of one worker's processes."""

    def __init__(self, parts: ParentParts) -> None:
        self._parts = parts
        self._address = ""
        self._children: dict[int, ChildProcess] = {}
        # How the last start of each went wrong; a process that once worked is not here.
        self._failed_starts: dict[int, int] = {}
        self._first_works = asyncio.Event()
        self._stopping = asyncio.Event()
        self._ordered: Order = "stop"
        self._exit_code = 0

    def stop(self) -> None:
        """Begin to stop; called a second time, have running work handed back at once."""
        self._ordered = "hurry" if self._stopping.is_set() else "stop"
        self._stopping.set()
        for child in self._children.values():
            child.order(self._ordered)

    def reload(self) -> None:
        """Have every process read its credentials anew."""
        for child in self._children.values():
            child.tell("reload")

    async def run(self) -> int:
        """Keep the processes running until told to stop; give the exit code.

        That is 0 where all ended in order, 70 where one had to be killed, and that of the processes
        where none could begin.
        """
        parts = self._parts
        loop = asyncio.get_running_loop()
        heed_signals(loop, self.stop, self.reload)
        self._address = parts.site.bind()
        parts.log.info(
            events.PROCESSES_STARTED, processes=len(parts.table.statuses), http=self._address
        )
        serving = asyncio.create_task(parts.site.run())
        watching = asyncio.create_task(self._watch())
        keepers = [asyncio.create_task(self._keep(place)) for place in range(len(self._statuses))]
        try:
            await self._wait_until_told(serving, *keepers)
            parts.log.info(events.PROCESSES_STOPPING, grace_seconds=parts.grace_seconds)
            await self._end_all(keepers)
        finally:
            for task in (watching, serving):
                task.cancel()
            await asyncio.gather(watching, serving, *keepers, return_exceptions=True)
        parts.log.info(events.PROCESSES_STOPPED, exit_code=self._exit_code)
        return self._exit_code

    @property
    def _statuses(self) -> Sequence[Any]:
        return self._parts.table.statuses

    async def _wait_until_told(self, *parts: asyncio.Task[None]) -> None:
        told = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({told, *parts}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if self._stopping.is_set():
            return
        # A part ended that never should: a supervisor starts it all anew.
        for part in parts:
            if part.done() and not part.cancelled() and (error := part.exception()) is not None:
                self._parts.log.error(
                    events.WORKER_FAILED,
                    loop="processes",
                    error=type(error).__name__,
                    where=places_of(error),
                )
        self._exit_code = InternalFaultError.exit_code
        self.stop()

    async def _end_all(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait(keepers, timeout=self._parts.grace_seconds + _STOP_SECONDS)
        if late:
            self._exit_code = self._exit_code or InternalFaultError.exit_code
            for place, child in self._children.items():
                self._kill(place, child)
            await asyncio.wait(late)

    async def _keep(self, place: int) -> None:
        """Keep one process running."""
        if place > 0:
            # What keeps one from starting keeps all: it is said once.
            await _first_of(self._first_works, self._stopping)
        quick_ends = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code, has_started = await self._run_once(place)
            if self._stopping.is_set():
                return
            if not has_started:
                self._failed_starts[place] = code
                if self._is_hopeless():
                    self._give_up()
                    return
            quick_ends = quick_ends + 1 if time.monotonic() - began < STEADY_SECONDS else 0
            await self._wait_before_restart(place, code, quick_ends)

    async def _run_once(self, place: int) -> tuple[int, bool]:
        try:
            child = await self._start(place)
        except OSError:
            # No memory, no process or no file is left for it: as little its fault as a database away.
            return TryAgainError.exit_code, False
        code = await child.wait()
        self._end(place)
        return code, child.has_started

    async def _start(self, place: int) -> ChildProcess:
        status = self._statuses[place]

        def hear(report: Report) -> None:
            status.hear(report.health)
            self._parts.merged.put(place, report.families)
            self._failed_starts.pop(place, None)
            self._first_works.set()

        begin = Begin(status.number, self._address, self._parts.given)
        child = await start_process(begin, hear, self._parts.command)
        status.begin(child.pid)
        self._children[place] = child
        self._parts.metrics.processes.inc()
        if self._stopping.is_set():
            child.order(self._ordered)
        return child

    def _end(self, place: int) -> None:
        del self._children[place]
        self._statuses[place].end()
        self._parts.merged.end(place)
        self._parts.metrics.processes.dec()

    async def _wait_before_restart(self, place: int, code: int, quick_ends: int) -> None:
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(quick_ends, 10))
        seconds = longest * random.uniform(0.5, 1.0)  # noqa: S311  (scatter, not secrecy)
        status = self._statuses[place]
        status.restarts += 1
        self._parts.metrics.processes_ended.labels(str(code)).inc()
        self._parts.log.warning(
            events.PROCESS_ENDED,
            process=status.number,
            exit_code=code,
            restart_in_seconds=round(seconds, 1),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _is_hopeless(self) -> bool:
        if not self._first_works.is_set():
            return True
        codes = self._failed_starts.values()
        return len(codes) == len(self._statuses) and all(code in _HOPELESS for code in codes)

    def _give_up(self) -> None:
        worst = max(self._failed_starts.values())
        # One that a signal ended, or that ended well before it worked, is a fault.
        self._exit_code = worst if worst > 0 else InternalFaultError.exit_code
        self.stop()

    async def _watch(self) -> None:
        """See that every process says something now and then; end those that do not."""
        looks: dict[int, tuple[ChildProcess, int, int]] = {}
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for place, child in list(self._children.items()):
                known, reports, silent = looks.get(place, (child, 0, 0))
                is_same = known is child and reports == child.reports
                silent = silent + 1 if is_same else 0
                looks[place] = (child, child.reports, silent)
                self._judge(place, child, silent)

    def _judge(self, place: int, child: ChildProcess, silent: int) -> None:
        if child.has_started and silent == _LOOKS_UNTIL_SILENT:
            self._parts.log.error(
                events.PROCESS_SILENT, process=self._statuses[place].number, pid=child.pid
            )
        if silent == (_LOOKS_UNTIL_KILLED if child.has_started else _LOOKS_UNTIL_STARTED):
            self._kill(place, child)

    def _kill(self, place: int, child: ChildProcess) -> None:
        self._parts.log.error(
            events.PROCESS_KILLED, process=self._statuses[place].number, pid=child.pid
        )
        child.kill()


async def _first_of(*awaited: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in awaited]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
