"""The Retry-After header, as servers write it and as they should not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtr_jobs.domain.retry_after import LONGEST_SECONDS, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("007", 7.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("9" * 60, 3600.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),
        ("Sun Mar  1 12:00:30 2026", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:59:59 GMT", 0.0),
        ("Mon, 01 Jan 2035 00:00:00 GMT", 3600.0),
    ],
)
def test_seconds_and_dates_are_read(value: str, seconds: float) -> None:
    """Both forms, capped at an hour; a date that has passed means now."""
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "-5",
        "+5",
        "1.5",
        "1e3",
        "soon",
        "٣٠",
        "5, 10",
        "Sun, 32 Mar 2026 12:00:00 GMT",
        "Sun, 01 Mar 99999 12:00:00 GMT",
        "Sun, 01 Mar 2026 12:00:00 +9999",
        "9" * 5000,
    ],
)
def test_what_makes_no_sense_is_no_hint(value: str | None) -> None:
    """A missing header and junk leave the wait to the backoff."""
    assert parse_retry_after(value, NOW) is None


@given(st.text(max_size=80))
def test_any_text_is_survived(value: str) -> None:
    """Whatever a server writes, the wait is none or within an hour."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS


@given(st.text(alphabet="0123456789:,+- GMTSunMar", max_size=40))
def test_anything_like_a_date_is_survived(value: str) -> None:
    """Half a date breaks nothing."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS


@given(st.integers(min_value=0, max_value=3600))
def test_both_forms_say_the_same(seconds: int) -> None:
    """A number, and the date that lies so far ahead."""
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(str(seconds), NOW) == parse_retry_after(date, NOW) == seconds
