"""The maintenance queue: forgets what is too old to be asked for, so that no table grows for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from gtr_jobs.db.old_rows import Forgetting, OldRows, Partitioned, TableInUseError
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job, JobEnd
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.tasks.each_tick import Tick, each_tick

ROWS_A_STATEMENT: Final = 2_000
# More than comes in an hour; what is left is taken in the next.
MOST_STATEMENTS: Final = 500
_PARTITIONED: tuple[Partitioned, ...] = ("deliveries", "job_history")
_TRIES: Final = 20
_LONGEST_PAUSE_SECONDS: Final = 1.0
# As long as the same key gives the same answer.
_KEY_DAYS: Final = 2
# Expo keeps a receipt for one.
_TICKET_DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class KeepDays:
    """How many days are kept.

    Args:
        deliveries: Of the ledger.
        history: Of jobs that ended, and of errors of enqueueing.
    """

    deliveries: int
    history: int

    def of(self, table: Partitioned) -> int:
        """Say how many days of a table are kept."""
        return self.deliveries if table == "deliveries" else self.history


class MaintenanceTask:
    """Does the jobs of the maintenance queue.

    Args:
        forgetting: Takes the rows away.
        keep: What stays.
        log: Is told how much went.
    """

    queue: ClassVar[str] = "maintenance"
    kinds: ClassVar[frozenset[str]] = frozenset({"maintenance"})
    most_jobs: ClassVar[int] = 1

    def __init__(self, *, forgetting: Forgetting, keep: KeepDays, log: Logger) -> None:
        self._forgetting = forgetting
        self._keep = keep
        self._log = log
        self._handle = each_tick(self._forget_all, log)

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do jobs one after another."""
        await self._handle(jobs, finish)

    async def _forget_all(self, job: Job, tick: Tick) -> JobEnd:
        del tick  # what is old is old now, whenever it was to be looked at
        dropped = [name for table in _PARTITIONED for name in await self._drop_partitions(table)]
        days: dict[OldRows, int] = {
            "deliveries": self._keep.deliveries,
            "job_history": self._keep.history,
            "enqueue_errors": self._keep.history,
            "idempotency_keys": _KEY_DAYS,
            "expo_tickets": _TICKET_DAYS,
            "outgoing": self._keep.deliveries,
            "delivery_reports": self._keep.deliveries,
        }
        rows = {what: await self._forget_rows(what, kept) for what, kept in days.items()}
        self._log.info(
            events.MAINTENANCE_DONE,
            job_id=job.job_id,
            trace_id=job.trace_id,
            rows=rows,
            partitions=dropped,
        )
        return Done()

    async def _forget_rows(self, what: OldRows, days: int) -> int:
        total = 0
        for _ in range(MOST_STATEMENTS):
            forgotten = await self._forgetting.forget_rows(what, days, ROWS_A_STATEMENT)
            total += forgotten
            if forgotten < ROWS_A_STATEMENT:
                break
        return total

    async def _drop_partitions(self, table: Partitioned) -> list[str]:
        dropped: list[str] = []
        while True:
            try:
                name = await self._drop_patiently(table)
            except TableInUseError:
                # A backup holds it, most likely: the next tick comes again.
                self._log.warning(events.MAINTENANCE_POSTPONED, table=table)
                return dropped
            if name is None:
                return dropped
            dropped.append(name)

    async def _drop_patiently(self, table: Partitioned) -> str | None:
        for tried in range(1, _TRIES):
            try:
                return await self._forgetting.drop_old_partition(table, self._keep.of(table))
            except TableInUseError:
                # Whoever waited behind us goes first.
                longest = min(_LONGEST_PAUSE_SECONDS, 0.1 * tried)
                await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311  (scatter, not secrecy)
        return await self._forgetting.drop_old_partition(table, self._keep.of(table))
