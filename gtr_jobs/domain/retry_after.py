"""The `Retry-After` header: when a server wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Nobody who asks for a longer pause would miss one more question an hour.
LONGEST_SECONDS = 3600.0

LONGEST_VALUE = 64


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a `Retry-After` header.

    Args:
        value: The header, in seconds or as an HTTP date; None where there is none.
        now: What a date is compared with.

    Returns:
        Seconds from now, at most an hour, nothing for a date that has passed; None for a header
        that is missing or makes no sense.
    """
    text = (value or "").strip()
    if not text.isascii() or len(text) > LONGEST_VALUE:
        return None
    if text.isdigit():
        return min(LONGEST_SECONDS, float(text))
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(LONGEST_SECONDS, max(0.0, seconds))
