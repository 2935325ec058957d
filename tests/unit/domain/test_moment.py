"""A moment as a person writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.moment import parse_moment

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        (
            "2026-03-01T12:30+02:00",
            datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_so_long_ago_or_a_date_is_a_moment(text: str, expected: datetime) -> None:
    """Without a zone a date is in UTC, wherever the operator sits."""
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2", "h", "-2h", "1e9d", "999999w", "9999999d", "2026-13-01", "٣h"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """Also what no calendar reaches."""
    with pytest.raises(UsageError, match="write 90m"):
        parse_moment(text, NOW)
