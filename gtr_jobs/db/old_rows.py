"""What is too old to be asked for, and goes."""

from __future__ import annotations

from typing import Literal

import psycopg

from gtr_jobs.db.connections import ConnectionPool

OldRows = Literal[
    "deliveries",
    "job_history",
    "enqueue_errors",
    "idempotency_keys",
    "expo_tickets",
    "outgoing",
    "delivery_reports",
]
Partitioned = Literal["deliveries", "job_history"]


class TableInUseError(Exception):
    """A table was not free for the moment that dropping a partition takes."""


class Forgetting:
    """Takes away old rows, as the worker may."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def forget_rows(self, what: OldRows, days: int, limit: int) -> int:
        """Delete at most so many rows that are older than so many days; give how many."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select gtr_jobs.forget_rows(%s, %s, %s)", [what, days, limit]
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def drop_old_partition(self, table: Partitioned, days: int) -> str | None:
        """Drop the oldest partition that is older than so many days; give its name, if there is one.

        Raises:
            TableInUseError: The table is in use; nobody was made to wait for more than a moment.
        """
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "select gtr_jobs.drop_old_partition(%s, %s)", [table, days]
                )
                row = await cursor.fetchone()
        except psycopg.errors.LockNotAvailable:
            raise TableInUseError(table) from None
        return row[0] if row else None
