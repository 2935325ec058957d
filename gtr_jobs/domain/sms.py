"""A text message before it belongs to a provider, and what a provider's own records say of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from gtr_jobs.domain.cost import Cost
from gtr_jobs.domain.outcome import Outcome

# What a provider may be told at most of how long it may keep a message.
LONGEST_VALIDITY = 36_000

# The parameter of a report's address that names the delivery.
DELIVERY_PARAMETER = "d"

_STATUS = re.compile(r"[a-z][a-z_-]{0,31}", re.ASCII)

# A provider's status in our words; `other` where it has one that we do not know.
SmsStatus = Literal["queued", "sent", "delivered", "undelivered", "failed", "other"]


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One text for one person.

    Args:
        delivery_id: Names the delivery, stable over retries; comes back in the provider's reports.
        to: E.164; never logged.
        body: What it says; never logged.
        valid_until: When it is of no use any more; nothing is sent or delivered after it.
        status_callback: Where the provider reports to, without the delivery's id; None for nowhere.
    """

    delivery_id: UUID
    to: str = field(repr=False)
    body: str = field(repr=False)
    valid_until: datetime
    status_callback: str | None = None

    def seconds_left(self, now: datetime) -> int:
        """Give what is left of its life in whole seconds, rounded up and at most ten hours; 0 or less: none."""
        return min(LONGEST_VALIDITY, math.ceil((self.valid_until - now).total_seconds()))

    @property
    def callback_url(self) -> str | None:
        """Where the provider reports to, with the delivery's id; None for nowhere."""
        if self.status_callback is None:
            return None
        mark = "&" if "?" in self.status_callback else "?"
        return f"{self.status_callback}{mark}{DELIVERY_PARAMETER}={self.delivery_id}"


def clean_status(status: object) -> str:
    """Give a provider's status where it is a word, so that nothing else gets into the ledger."""
    return status if isinstance(status, str) and _STATUS.fullmatch(status) else ""


@dataclass(frozen=True, slots=True)
class SmsRecord:
    """What a provider's own records say of a message.

    Args:
        provider_id: Its name for the message.
        status: In our words.
        raw_status: In the provider's; empty where it is no word.
        error_code: The provider's, where the message failed; empty otherwise.
        segments: In how many it was sent; None where that is not told yet.
        cost: None where it is not known yet.
    """

    provider_id: str
    status: SmsStatus
    raw_status: str
    error_code: str = ""
    segments: int | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has the message: it was accepted.

    Args:
        record: What it says of it.
    """

    record: SmsRecord


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider answered, and lists no such message."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Whether the provider has the message is not known.

    Args:
        cause: Why.
    """

    cause: Outcome


Finding = Found | Absent | CannotTell
