"""Spans of time, rates and percentages, as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.span import parse_percent, parse_rate, parse_span


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("2h", 7200), ("7d", 604800), ("1w", 604800)]
)
def test_a_span_is_read(text: str, seconds: float) -> None:
    """A number and a unit."""
    assert parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "30", "m", "-5m", "1.5h", "5 m", "999999w", "٣m", "1y"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match="write 30s, 15m, 2h or 7d"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("50/s", "50"), ("0.5/s", "0.5"), ("300/m", "5"), ("3600/h", "1"), ("100000/s", "100000")],
)
def test_a_rate_is_read(text: str, rate: str) -> None:
    """So many a second."""
    assert parse_rate(text) == Decimal(rate)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "100001/s", "50/d", "1e3/s", "50/S"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """Nothing and too much are none."""
    with pytest.raises(UsageError, match="is no rate"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "percent"), [("5", "5"), ("0.25%", "0.25"), ("100", "100")])
def test_a_percentage_is_read(text: str, percent: str) -> None:
    """With its sign or without."""
    assert parse_percent(text) == Decimal(percent)


@pytest.mark.parametrize("text", ["", "-1", "101", "100.01", "0.001", "five", "5%%"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    """From 0 to 100, in hundredths."""
    with pytest.raises(UsageError, match="is no percentage"):
        parse_percent(text)
