"""Pushes that Expo took and of which it has not said yet what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import orjson

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.outcome import DeliveryState, OutcomeName

_TAKE = """
    select day, dedupe_key, ticket_id, app, kind, trace_id, attempts, age_seconds
    from gtr_jobs.take_tickets(%s, %s)
"""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One push that waits for its receipt.

    Args:
        day: The ledger's partition.
        dedupe_key: Its delivery.
        ticket_id: Expo's name for it.
        app: Whose device it went to.
        kind: The kind of notification.
        trace_id: The way that it took.
        attempts: How often it was sent, as the ledger counts.
        age_seconds: Since it was sent.
    """

    day: date
    dedupe_key: UUID
    ticket_id: str
    app: str
    kind: str
    trace_id: str
    attempts: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a ticket came to.

    Args:
        ticket: The ticket.
        state: Of its delivery from now on; `queued` has the push tried again.
        outcome: How the push ended.
        code: Why, in one short code.
        delay: Seconds until it is tried again.
    """

    ticket: Ticket
    state: DeliveryState
    outcome: OutcomeName
    code: str
    delay: float = 0.0


class Tickets:
    """Expo's tickets, as the worker may use them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def take(self, wait_seconds: float, limit: int) -> list[Ticket]:
        """Take tickets that have waited for so long; nobody else gets them before they have again."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TAKE, [wait_seconds, limit])
            return [Ticket(*row) for row in await cursor.fetchall()]

    async def settle(self, settlements: Sequence[Settlement]) -> frozenset[UUID]:
        """Write what tickets came to, in one transaction.

        Returns:
            The deliveries of those that nobody settled before.
        """
        records = [
            {
                "day": one.ticket.day.isoformat(),
                "dedupe_key": str(one.ticket.dedupe_key),
                "ticket_id": one.ticket.ticket_id,
                "state": one.state,
                "outcome": one.outcome,
                "code": one.code,
                "delay": one.delay,
            }
            for one in settlements
        ]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select gtr_jobs.settle_tickets(%s::jsonb)", [orjson.dumps(records).decode()]
            )
            return frozenset([row[0] for row in await cursor.fetchall()])

    async def put_off(self, tickets: Sequence[Ticket], wait_seconds: float, seconds: float) -> None:
        """Have tickets wait for so many seconds more, of the time that they would wait."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "select gtr_jobs.put_off_tickets(%s, %s, %s, %s)",
                [
                    [ticket.day for ticket in tickets],
                    [ticket.dedupe_key for ticket in tickets],
                    wait_seconds,
                    seconds,
                ],
            )
