"""Whom nothing is sent to, as operators see it and act on it; and what messages cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from gtr_jobs.db.audit import Note
from gtr_jobs.db.operator import Connections, fetch_rows


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason why nothing is sent to an address.

    Args:
        channel: What is not sent.
        address: The beginning of the address' hash: the address itself is not known.
        reason: Why.
        source: Who says so.
        since: When they did.
    """

    channel: str
    address: str
    reason: str
    source: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """What a day's messages to a country cost.

    Args:
        day: In UTC.
        channel: How they went out.
        provider: By whom.
        country: Where to; empty for e-mail.
        messages: How many.
        segments: What the network made of them.
        price: What was told.
        expected: What is taken for those of which no price was told yet.
        currency: In which the provider bills; empty while no price is known.
    """

    day: date
    channel: str
    provider: str
    country: str
    messages: int
    segments: int
    price: Decimal
    expected: Decimal
    currency: str


class MessageBook:
    """What operators read and do; each act writes its row of the audit, which has no address."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_suppressions(
        self, channel: str | None, address: str | None, limit: int
    ) -> list[Suppression]:
        """List whom nothing is sent to, the newest first; with an address only its own."""
        rows = await fetch_rows(
            self._connections,
            "select channel, address, reason, source, since"
            " from gtr_jobs.list_suppressions(%s, %s, %s)",
            channel,
            address,
            limit,
        )
        return [Suppression(*row) for row in rows]

    async def suppress(self, channel: str, address: str, note: Note) -> bool:
        """Send nothing more to an address; False where an operator had said so before."""
        ((is_new,),) = await fetch_rows(
            self._connections,
            "select gtr_jobs.add_suppression(%s, %s, %s, %s, %s, %s)",
            channel,
            address,
            *note.parameters(),
        )
        return bool(is_new)

    async def unsuppress(self, channel: str, address: str, only: str | None, note: Note) -> int:
        """End the reasons why nothing is sent to an address, or one; give how many ended."""
        ((ended,),) = await fetch_rows(
            self._connections,
            "select gtr_jobs.remove_suppressions(%s, %s, %s, %s, %s, %s, %s)",
            channel,
            address,
            only,
            *note.parameters(),
        )
        return int(ended)

    async def note_test(self, channel: str, address: str, note: Note) -> str | None:
        """Write down that a test is about to be sent; say why none may be."""
        ((refusal,),) = await fetch_rows(
            self._connections,
            "select gtr_jobs.note_message_test(%s, %s, %s, %s, %s, %s)",
            channel,
            address,
            *note.parameters(),
        )
        return None if refusal is None else str(refusal)

    async def list_spend(self, days: int) -> list[Spent]:
        """List what was sent and what it cost, the newest day first."""
        rows = await fetch_rows(
            self._connections,
            "select day, channel, provider, country, messages, segments, price, expected, currency"
            " from gtr_jobs.list_spend(%s)",
            days,
        )
        return [Spent(*row) for row in rows]
