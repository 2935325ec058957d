"""Reads what operators and their metrics ask for."""

from __future__ import annotations

from dataclasses import dataclass

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.installed import (
    TRIGGER_QUERY,
    TriggerStatus,
    expected_triggers,
    judge_triggers,
    trigger_parameters,
)
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.queue_depth import QueueDepth


@dataclass(frozen=True, slots=True)
class Pressure:
    """What keeps the queue's table from being cleaned up."""

    oldest_transaction_seconds: float
    dead_rows: int


class Operations:
    """The state of queues and triggers, with a worker's rights."""

    def __init__(self, pool: ConnectionPool, plan: Plan) -> None:
        self._pool = pool
        self._triggers = expected_triggers(plan)

    async def read_queue_depths(self) -> list[QueueDepth]:
        """Read how much every queue holds."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select queue, ready, scheduled, doing, dead, oldest_due_seconds"
                " from gtr_jobs.read_queue_depth()"
            )
            return [QueueDepth(*row) for row in await cursor.fetchall()]

    async def read_pressure(self) -> Pressure:
        """Read how old the oldest transaction is, and how many dead rows the queue has."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select oldest_transaction_seconds, dead_rows from gtr_jobs.read_pressure()"
            )
            row = await cursor.fetchone()
        return Pressure(*row) if row else Pressure(0.0, 0)

    async def sweep_sleepers(self) -> None:
        """Empty the table of sleeping workers where dead rows have piled up in it."""
        async with self._pool.connection() as connection:
            await connection.execute("select gtr_jobs.sweep_sleepers()")

    async def count_enqueue_errors(self) -> int:
        """Count the rows of the last hour whose trigger could not enqueue; stops at 10,000."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("select gtr_jobs.count_enqueue_errors()")
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def read_triggers(self) -> tuple[TriggerStatus, ...]:
        """Compare the triggers that should be attached with those that are."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(TRIGGER_QUERY, trigger_parameters(self._triggers))
            return judge_triggers(self._triggers, await cursor.fetchall())

    async def ping(self) -> None:
        """Ask the database for nothing, to see that it answers."""
        async with self._pool.connection() as connection:
            await connection.execute("select 1")
