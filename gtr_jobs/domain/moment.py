"""A moment, as a person writes it: how long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gtr_jobs.domain.errors import UsageError

_AGO = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now: datetime) -> datetime:
    """Read `90m`, `2h`, `7d` (so long ago) or an ISO date or time, in UTC unless it says otherwise.

    Raises:
        UsageError: It is neither.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no moment", "write 90m, 2h or 7d (so long ago), or 2026-03-01T12:00"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
