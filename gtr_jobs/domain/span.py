"""A span of time and a rate, as a person writes them."""

from __future__ import annotations

import re
from decimal import Decimal

from gtr_jobs.domain.errors import UsageError

_SPAN = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_RATE = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,3})?)/(?P<unit>[smh])")
_PERCENT = re.compile(r"(?P<number>[0-9]{1,3}(?:\.[0-9]{1,2})?)%?")
_LONGEST_SECONDS = 10 * 365 * 86_400
_FASTEST = 100_000


def parse_span(text: str) -> float:
    """Read `30s`, `15m`, `2h` or `7d` as seconds.

    Raises:
        UsageError: It is none, or longer than ten years.
    """
    match = _SPAN.fullmatch(text)
    seconds = int(match["number"]) * _SECONDS[match["unit"]] if match else 0
    if not 1 <= seconds <= _LONGEST_SECONDS:
        raise UsageError(f"{text!r} is no span of time", "write 30s, 15m, 2h or 7d")
    return float(seconds)


def parse_rate(text: str) -> Decimal:
    """Read `50/s`, `300/m` or `1000/h` as so many a second.

    Raises:
        UsageError: It is none, nothing, or more than 100,000 a second.
    """
    match = _RATE.fullmatch(text)
    rate = Decimal(match["number"]) / _SECONDS[match["unit"]] if match else Decimal(0)
    if not 0 < rate <= _FASTEST:
        raise UsageError(
            f"{text!r} is no rate", "write 50/s, 300/m or 1000/h, at most 100000/s; or off"
        )
    return rate


def parse_percent(text: str) -> Decimal:
    """Read `5` or `0.25%` as a percentage.

    Raises:
        UsageError: It is none from 0 to 100.
    """
    match = _PERCENT.fullmatch(text)
    percent = Decimal(match["number"]) if match else Decimal(-1)
    if not 0 <= percent <= 100:
        raise UsageError(f"{text!r} is no percentage", "write 5 or 0.25%, from 0 to 100; or off")
    return percent
