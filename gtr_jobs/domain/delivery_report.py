"""What a provider tells later of a message that it took."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

# recorded: it was news. repeated: it is known. older: something later is known. unknown: no such delivery.
ReportFate = Literal["recorded", "repeated", "older", "unknown"]
REPORT_FATES: tuple[ReportFate, ...] = ("recorded", "repeated", "older", "unknown")

_STATUS = re.compile(r"[a-z][a-z_-]{0,39}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One report.

    Args:
        provider: Who tells it.
        provider_id: The provider's name for the message; an e-mail's is its message id.
        delivery_id: Ours, where the provider sends it back.
        status: The provider's word, also one that nobody knows yet.
        error_code: Why it failed.
        price: What it cost, where that is told.
        currency: In which money.
        at: When it came to be so; None where it is not told.
    """

    provider: str
    provider_id: str
    delivery_id: UUID | None
    status: str
    error_code: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    at: datetime | None = None


def read_status(text: str) -> str | None:
    """Read a provider's word for a status, whichever it is; None where it is no word."""
    word = text.strip().lower()
    return word if _STATUS.fullmatch(word) else None


def read_error_code(text: str | None) -> str | None:
    """Read a provider's code; None where there is none, or something that is no code."""
    return text if text is not None and _CODE.fullmatch(text) else None
