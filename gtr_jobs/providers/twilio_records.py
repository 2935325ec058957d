"""What Twilio's records say of a message, and which of them is ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from gtr_jobs.domain.cost import Cost
from gtr_jobs.domain.sms import SmsMessage, SmsRecord, SmsStatus, clean_status

# Twilio's clock is not ours, and its times have whole seconds.
CLOCK_DIFFERENCE = timedelta(seconds=5)

_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)

_STATUSES: Mapping[str, SmsStatus] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "partially_delivered": "sent",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


def is_sid(value: object) -> bool:
    """Tell whether something is the name of a message."""
    return isinstance(value, str) and _SID.fullmatch(value) is not None


def read_record(record: Any) -> SmsRecord | None:
    """Read a message as the library gives it; None where it is none."""
    if not is_sid(record.sid):
        return None
    raw = clean_status(record.status)
    segments = _read_number(record.num_segments)
    return SmsRecord(
        provider_id=record.sid,
        status=_STATUSES.get(raw, "other"),
        raw_status=raw,
        error_code="" if (code := _read_number(record.error_code)) is None else str(code),
        # A messaging service says 0 until it has chosen a sender.
        segments=segments or None,
        cost=_read_cost(record.price, record.price_unit),
    )


def is_of_ours(record: Any, message: SmsMessage, since: datetime) -> bool:
    """Tell whether a listed message can be the one that was sent."""
    if record.to != message.to or not str(record.direction).startswith("outbound"):
        return False
    if was_before(record, since):
        return False
    body = record.body if isinstance(record.body, str) else ""
    # What was redacted cannot be compared; a trial account has words of Twilio before its own.
    return not body or _signs(body).endswith(_signs(message.body))


def was_before(record: Any, since: datetime) -> bool:
    """Tell whether a listed message is older than an attempt."""
    created = record.date_created
    return isinstance(created, datetime) and created < since - CLOCK_DIFFERENCE


def _signs(text: str) -> str:
    """Give letters and digits only: smart encoding puts other signs in the place of signs."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text)))


def _read_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9
    return int(value) if is_digits and isinstance(value, str) else None


def _read_cost(price: object, currency: object) -> Cost | None:
    """Read what a message cost: Twilio writes what it takes as a negative number."""
    if not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        return None
    try:
        amount = abs(Decimal(price)) if isinstance(price, str) and len(price) < 20 else None
    except InvalidOperation:
        return None
    return Cost(amount, currency.upper()) if amount is not None and amount.is_finite() else None
