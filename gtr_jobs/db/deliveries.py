"""The ledger of deliveries, beside what an ack writes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import psycopg

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.outcome import DeliveryState


class Deliveries:
    """The ledger, as the worker may read it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read_states(
        self, days: Collection[date], dedupe_keys: Collection[UUID]
    ) -> dict[UUID, DeliveryState]:
        """Read the states of deliveries; one that was never attempted is missing from the answer."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select dedupe_key, state::text from gtr_jobs.read_deliveries(%s, %s)",
                [list(days), list(dedupe_keys)],
            )
            return dict(await cursor.fetchall())

    async def make_partitions(self) -> int:
        """Make the partitions of the days ahead; give how many were made.

        While the ledger is locked, by a backup or another worker, none are: there are seven days
        of time to come back.
        """
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute("select gtr_jobs.make_partitions()")
                row = await cursor.fetchone()
        except psycopg.errors.LockNotAvailable:
            return 0
        return int(row[0]) if row else 0
