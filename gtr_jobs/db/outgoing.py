"""Texts and e-mails that wait to be sent, and the attempts that are begun for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.outcome import DeliveryState

# As many as the functions of the database take.
MOST = 1_000

_READ = """
    select delivery_id, template, user_id, data::text, address, encode(address_hash, 'hex'), locale, refusal,
        expires_in, state, provider, is_resent, attempt_token, attempted_at, attempt_age, deadline_in,
        encode(attempted_hash, 'hex')
    from gtr_jobs.read_outgoing(%s)
"""
_BEGIN = """
    select delivery_id, verdict, attempt_token, attempted_at
    from gtr_jobs.begin_messages(%s, %s, %s, %s::jsonb, %s, %s::jsonb)
"""

Verdict = Literal["send", "over_budget", "over_country_budget", "settled", "lost"]


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """The last time that a provider was about to be called.

    Args:
        token: Names the attempt.
        provider: Who.
        began_at: By the clock of the database.
        age: Seconds since then.
        deadline_in: Seconds until nobody can be at it any more.
        address_hash: Whom it went to.
    """

    token: UUID
    provider: str
    began_at: datetime
    age: float
    deadline_in: float
    address_hash: str = field(repr=False)


class Outgoing(NamedTuple):
    """One text or e-mail, as of when it was read.

    Args:
        delivery_id: Names the delivery.
        template: What is said.
        user_id: To whom.
        data: What the template is filled with; None where that was erased. Never logged.
        address: The person's number or address now; None where there is none. Never logged.
        address_hash: The same, without telling it.
        locale: The person's language; may be empty.
        refusal: Why the person gets none, in one word; None where they do.
        expires_in: Seconds for which it is of use.
        state: The delivery's.
        is_resent: It was sent again after an attempt of which nobody knew.
        attempt: The last attempt; None where there was none.
    """

    delivery_id: UUID
    template: str
    user_id: UUID
    data: Mapping[str, Any] | None
    address: str | None
    address_hash: str | None
    locale: str
    refusal: str | None
    expires_in: float
    state: DeliveryState
    is_resent: bool
    attempt: PastAttempt | None

    def __repr__(self) -> str:
        """Show neither what it says nor where it goes."""
        return f"Outgoing({self.delivery_id})"


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent.

    Args:
        job_id: The claim's job.
        claim_number: The claim's number.
        delivery_id: Names the delivery.
        address_hash: Whom it goes to.
        country: Where that is, as ISO 3166 names it; empty for an e-mail.
        segments: How many messages the network makes of it.
        price: What one segment costs, where nothing was ever told; None counts nothing.
        is_resent: An earlier attempt was proved not to have been taken.
    """

    job_id: int
    claim_number: int
    delivery_id: UUID
    address_hash: str = field(repr=False)
    country: str
    segments: int
    price: Decimal | None
    is_resent: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """Whether a provider may be called.

    Args:
        verdict: `send` is the only yes.
        token: Names the attempt; None where there is none.
        began_at: By the clock of the database; likewise.
    """

    verdict: Verdict
    token: UUID | None = None
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a channel may cost.

    Args:
        day: All of it, a UTC day; None is no limit.
        countries: By country, likewise.
    """

    day: Decimal | None = None
    countries: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """How much of a channel is not cleared up: what may have been sent, and nobody knows."""

    channel: str
    count: int


@dataclass(frozen=True, slots=True)
class SpentToday:
    """What a channel has cost a country today, with what is expected of messages without a price yet."""

    channel: str
    country: str
    price: Decimal
    expected: Decimal


class OutgoingMessages:
    """The store, as the worker may use it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read(self, delivery_ids: Sequence[UUID]) -> dict[UUID, Outgoing]:
        """Read messages; one that was forgotten is missing from the answer."""
        read: dict[UUID, Outgoing] = {}
        async with self._pool.connection() as connection:
            for first in range(0, len(delivery_ids), MOST):
                cursor = await connection.execute(_READ, [list(delivery_ids[first : first + MOST])])
                read |= {row[0]: _outgoing(row) for row in await cursor.fetchall()}
        return read

    async def begin(
        self,
        worker_id: int,
        provider: str,
        seconds: float,
        intents: Sequence[Intent],
        budget: Budget,
    ) -> dict[UUID, Begun]:
        """Write, for good, that a provider is about to be called; `MOST` at a time.

        Args:
            worker_id: Whose claims they are.
            provider: Who is called.
            seconds: How long the call takes at most.
            intents: What is sent.
            budget: What it may cost.
        """
        attempts = [
            {
                "job_id": one.job_id,
                "claim_number": one.claim_number,
                "delivery_id": str(one.delivery_id),
                "address_hash": one.address_hash,
                "country": one.country,
                "segments": one.segments,
                "price": None if one.price is None else str(one.price),
                "is_resent": one.is_resent,
            }
            for one in intents
        ]
        countries = {country: str(most) for country, most in budget.countries.items()}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                _BEGIN,
                [
                    worker_id,
                    provider,
                    seconds,
                    orjson.dumps(attempts).decode(),
                    budget.day,
                    orjson.dumps(countries).decode() if countries else None,
                ],
            )
            return {row[0]: Begun(*row[1:]) for row in await cursor.fetchall()}

    async def read_known(self, attempt: PastAttempt, delivery_id: UUID) -> frozenset[str]:
        """Read what the provider calls other messages to whom an attempt went, since it began."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select gtr_jobs.read_known_messages(%s, %s, %s)",
                [attempt.address_hash, attempt.began_at, delivery_id],
            )
            return frozenset([row[0] for row in await cursor.fetchall()])

    async def take_unpriced(self, provider: str, limit: int) -> list[tuple[UUID, str]]:
        """Take texts of which no price is known and that it is time to ask for: ours and the provider's name for each."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select delivery_id, provider_id from gtr_jobs.take_unpriced_messages(%s, %s)",
                [provider, limit],
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def erase_expired(self) -> int:
        """Erase what messages are filled with that are too old to be sent; give of how many."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("select gtr_jobs.erase_expired_messages(1000)")
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def count_unsettled(self) -> list[Unsettled]:
        """Count, up to 10,000 a channel, what may have been sent and is not cleared up."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select channel, messages from gtr_jobs.count_unsettled_messages()"
            )
            return [Unsettled(*row) for row in await cursor.fetchall()]

    async def read_spend_today(self) -> list[SpentToday]:
        """Read what this UTC day has cost so far."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select channel, country, price, expected from gtr_jobs.read_spend_today()"
            )
            return [SpentToday(*row) for row in await cursor.fetchall()]


def _outgoing(row: tuple[Any, ...]) -> Outgoing:
    what, (provider, is_resent, *attempt) = list(row[:10]), row[10:]
    what[3] = None if what[3] is None else orjson.loads(what[3])
    return Outgoing._make((*what, is_resent, _past_attempt(provider, *attempt)))


def _past_attempt(
    provider: str | None,
    token: UUID | None,
    began_at: datetime,
    age: float,
    deadline_in: float | None,
    address_hash: str | None,
) -> PastAttempt | None:
    if token is None:
        return None
    # Without a deadline the call is over.
    return PastAttempt(token, provider or "", began_at, age, deadline_in or 0.0, address_hash or "")
