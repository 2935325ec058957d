"""Up to which tick the lines of the cron tables were dealt with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.operator import Connections, fetch_rows
from gtr_jobs.domain.cron import Cron, DueTicks


@dataclass(frozen=True, slots=True)
class WatchedCron:
    """A line, as the database remembers it.

    Args:
        name: The line's.
        passed_at: Everything up to then was dealt with.
        read_at: By the clock of the database, when this was read.
    """

    name: str
    passed_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class RememberedCron:
    """A line, as operators see it; `enqueued_tick` is None where none was enqueued yet."""

    name: str
    passed_at: datetime
    enqueued_tick: datetime | None
    watched_since: datetime
    read_at: datetime


class CronTicks:
    """Ticks, as a worker enqueues them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def watch(self, names: Collection[str]) -> list[WatchedCron]:
        """Read how far lines are; one that is new counts from now on."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select name, passed_at, read_at from gtr_jobs.watch_cron(%s)", [list(names)]
            )
            return [WatchedCron(*row) for row in await cursor.fetchall()]

    async def enqueue(self, cron: Cron, due: DueTicks) -> int | None:
        """Enqueue ticks that nobody dealt with; give how many, None where others were faster."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select gtr_jobs.enqueue_cron_ticks(%s, %s, %s::timestamptz[], %s)",
                [cron.name, cron.kind, list(due.ticks), due.passed],
            )
            row = await cursor.fetchone()
        return None if row is None else row[0]


async def list_cron(connections: Connections) -> Sequence[RememberedCron]:
    """Read every line that the database remembers, whoever's it is."""
    rows = await fetch_rows(
        connections,
        "select name, passed_at, enqueued_tick, watched_since, read_at from gtr_jobs.list_cron()",
    )
    return [RememberedCron(*row) for row in rows]
