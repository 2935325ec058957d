"""One message to one device, as the ledger keeps it."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha1
from typing import Literal, NamedTuple
from uuid import UUID

from orjson import dumps

from gtr_jobs.domain.outcome import DeliveryState, Outcome, delivery_state_after, outcome_code

Channel = Literal["push", "sms", "email"]

# Names our deliveries among all version 5 UUIDs; made once, never to change.
_NAMESPACE = UUID("6f1c3f5a-5d0e-4c53-9d0b-8b7f2c2a1e67")
_NAMESPACE_DIGEST = sha1(_NAMESPACE.bytes, usedforsecurity=False)

# A delivery in one of these may still be sent; in any other it is settled.
OPEN_STATES: frozenset[DeliveryState] = frozenset({"queued", "sending", "unknown"})


def make_dedupe_key(kind: str, row_id: UUID, receiver_id: UUID) -> UUID:
    """Name the delivery of one event to one receiver (a device, or a person without any).

    The same event always gives the same name: it is the ledger's unique key, and what a provider
    is told as the message's id.
    """
    # As uuid5() does, which begins anew with the namespace every time; and orjson writes an id ten
    # times as fast as it writes itself.
    digest = _NAMESPACE_DIGEST.copy()
    name = b"%b/%b/%b" % (kind.encode(), dumps(row_id)[1:-1], dumps(receiver_id)[1:-1])
    digest.update(name)
    return UUID(bytes=digest.digest()[:16], version=5)


class Delivery(NamedTuple):
    """What came of one attempt to reach one receiver.

    Args:
        dedupe_key: See `make_dedupe_key`.
        kind: The kind of notification.
        channel: How it goes out.
        outcome: How the attempt ended.
        user_id: The recipient; None where the row that named one is gone.
        provider: Who was asked; None where nobody was.
        device_id: The device; None where there was none.
        registered_at: The registration of the device that was used: what a dead device is dead as of.
        is_resent: An earlier attempt may have reached the provider.
        attempt_token: Of the attempt that was begun, for a text or an e-mail; None where none was.
        is_attempt: Whether it counts as one more; not where it only says what became of an earlier one.
    """

    dedupe_key: UUID
    kind: str
    channel: Channel
    outcome: Outcome
    user_id: UUID | None = None
    provider: str | None = None
    device_id: UUID | None = None
    registered_at: datetime | None = None
    is_resent: bool = False
    attempt_token: UUID | None = None
    is_attempt: bool = True

    @property
    def state(self) -> DeliveryState:
        """The state that the outcome leaves the delivery in."""
        return delivery_state_after(self.outcome)

    @property
    def code(self) -> str:
        """Why, in one short code."""
        return outcome_code(self.outcome)
