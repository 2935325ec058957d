"""A worker's copy of operators' switches: read twice a second, and never old when something is begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.db.switches import SwitchReader
from gtr_jobs.domain.switches import Switches, make_switches
from gtr_jobs.engine.held import HeldJobs
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

READ_EVERY_SECONDS = 0.5
OLDEST_SECONDS = 1.0


class Switchboard:
    """What is switched, as this process knows it.

    Args:
        reader: Where it is read.
        held: The jobs that wait for the end of a pause.
    """

    def __init__(
        self, reader: SwitchReader, held: HeldJobs, outage: Outage, log: Logger, metrics: Metrics
    ) -> None:
        self._reader = reader
        self._held = held
        self._outage = outage
        self._log = log
        self._metrics = metrics
        self._switches: Switches | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._changed = asyncio.Event()
        # Told, whenever it is read, which accounts of providers are not asked.
        self.provider_listeners: list[Callable[[Mapping[tuple[str, str], float]], None]] = []

    @property
    def last_known(self) -> Switches:
        """What was read last; nothing is switched before that."""
        return self._switches or Switches()

    async def fresh(self) -> Switches:
        """Give what is switched, read less than a second ago.

        While it cannot be read, what was known last goes on: a database that does not answer gives
        no jobs either.

        Raises:
            psycopg.Error: It could not be read, and never was: nobody knows what is paused.
        """
        if self._is_old():
            async with self._reading:
                if self._is_old():
                    await self._read_or_keep()
        return self.last_known

    async def wait_for_change(self, seconds: float) -> None:
        """Wait until something is switched, or the time is over."""
        changed = self._changed
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Read, and bring back the jobs whose pause is over, until cancelled."""
        never = asyncio.Event()
        while True:
            try:
                async with self._reading:
                    await self._read()
                is_more = await self._held.bring_back()
            except PASSING_ERRORS as error:
                await self._outage.wait_after(error, never)
                continue
            self._outage.end()
            if not is_more:
                await asyncio.sleep(READ_EVERY_SECONDS)

    def _is_old(self) -> bool:
        return self._switches is None or time.monotonic() - self._read_at > OLDEST_SECONDS

    async def _read_or_keep(self) -> None:
        try:
            await self._read()
        except PASSING_ERRORS:
            if self._switches is None:
                raise

    async def _read(self) -> None:
        asked_at = time.monotonic()
        switches = make_switches(await self._reader.read())
        self._read_at = asked_at
        before, self._switches = self._switches, switches
        for listener in self.provider_listeners:
            listener(switches.provider_pauses)
        if switches == (before or Switches()):
            return
        self._metrics.switches_paused.set(len(switches.pauses))
        self._log.info(
            events.SWITCHES_CHANGED,
            paused=sorted(f"{scope} {name}" for scope, name in switches.pauses),
            limited=sorted(switches.limited_queues - switches.set_aside_queues),
            rates={f"{scope} {name}": rate for (scope, name), rate in switches.rates.items()},
            ramps={f"{scope} {name}": part / 100 for (scope, name), part in switches.ramps.items()},
            test_users=len(switches.test_users),
        )
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
