"""A channel's way out: how a message is worded, handed over and asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.delivery import Channel
from gtr_jobs.domain.outcome import Outcome
from gtr_jobs.domain.sms import Finding
from gtr_jobs.providers.pressure import Pressure


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is ready to be handed over.

    Args:
        send: Calls the provider once.
        find: Asks the provider whether it has the message, given when the attempt began and what it calls
            messages that are known; None where it cannot be asked.
        country: Where it goes, as ISO 3166 names it; empty for an e-mail.
        segments: How many messages the network makes of it.
        price: What one segment costs, where nobody ever told; None counts nothing.
    """

    send: Callable[[], Awaitable[Outcome]] = field(repr=False)
    find: Callable[[datetime, Collection[str]], Awaitable[Finding]] | None = field(
        default=None, repr=False
    )
    country: str = ""
    segments: int = 1
    price: Decimal | None = None


class Courier(Protocol):
    """What a channel's messages go out by."""

    @property
    def channel(self) -> Channel:
        """How they go out."""

    @property
    def name(self) -> str:
        """Who is called."""

    @property
    def pressure(self) -> Pressure:
        """How much its account takes now."""

    @property
    def can_ask(self) -> bool:
        """Whether the provider can be asked for a message later."""

    @property
    def seconds(self) -> float:
        """How long a call takes at most."""

    def word(self, message: Outgoing, address: str) -> Letter | Outcome:
        """Make a message ready, or say why it cannot be."""
