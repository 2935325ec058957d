"""Writes what providers report, and who wants no messages."""

from __future__ import annotations

from typing import Literal, cast
from uuid import UUID

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.delivery_report import DeliveryReport, ReportFate

Channel = Literal["sms", "email"]

_RECORD = "select gtr_jobs.record_delivery_report(%s, %s, %s, %s, %s, %s, %s, %s)"
_SUPPRESS = "select gtr_jobs.suppress_address(%s, %s, %s, %s)"
_SUPPRESS_RECIPIENT = "select gtr_jobs.suppress_recipient(%s, %s, %s)"
_UNSUPPRESS = "select gtr_jobs.unsuppress_address(%s, %s, %s)"
_PING = "select 1"


class Reports:
    """The books about messages, as whoever hears of them may write them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def record(self, report: DeliveryReport) -> ReportFate:
        """Write down what became of a message; say what the report was worth."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                _RECORD,
                [
                    report.provider,
                    report.provider_id,
                    report.delivery_id,
                    report.status,
                    report.error_code,
                    report.price,
                    report.currency,
                    report.at,
                ],
            )
            row = await cursor.fetchone()
        return cast("ReportFate", row[0]) if row else "unknown"

    async def suppress(self, channel: Channel, address: str, reason: str, source: str) -> None:
        """Send nothing more to an address, however often it is asked for."""
        async with self._pool.connection() as connection:
            await connection.execute(_SUPPRESS, [channel, address, reason, source])

    async def suppress_recipient(self, delivery_id: UUID, reason: str, source: str) -> bool:
        """Send nothing more to whom a delivery went; say whether there was such a delivery."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_SUPPRESS_RECIPIENT, [delivery_id, reason, source])
            row = await cursor.fetchone()
        return row is not None and row[0] != "unknown"

    async def unsuppress(self, channel: Channel, address: str, reason: str) -> None:
        """Send to an address again, where it was suppressed for this reason alone."""
        async with self._pool.connection() as connection:
            await connection.execute(_UNSUPPRESS, [channel, address, reason])

    async def ping(self) -> None:
        """See whether the database answers."""
        async with self._pool.connection() as connection:
            await connection.execute(_PING)
