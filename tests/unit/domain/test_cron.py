"""When cron lines are due: zones, the change of the clocks, and missed ticks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtr_jobs.domain.cron import (
    Cron,
    DueTicks,
    Missed,
    find_due,
    find_mistake,
    find_newest,
    next_tick,
)

BERLIN = "Europe/Berlin"
CRON = Cron("report", "0 7 * * *", "report")
# In Berlin the clocks go from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
SPRING = datetime(2026, 3, 28, 22, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 21, tzinfo=UTC)


def _after(schedule: str, zone: str, after: datetime, count: int) -> list[str]:
    """Write the next ticks in their zone."""
    cron = replace(CRON, schedule=schedule, zone=zone)
    written = []
    for _ in range(count):
        tick = next_tick(cron, after)
        assert tick is not None
        written.append(tick.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z"))
        after = tick
    return written


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param(
            "0 7 * * *",
            SPRING,
            ["03-29 07:00 +0200", "03-30 07:00 +0200"],
            id="seven stays seven in spring",
        ),
        pytest.param(
            "0 7 * * *",
            AUTUMN,
            ["10-25 07:00 +0100", "10-26 07:00 +0100"],
            id="seven stays seven in autumn",
        ),
        pytest.param(
            "30 2 * * *",
            SPRING,
            ["03-29 03:00 +0200", "03-30 02:30 +0200"],
            id="an hour that is left out is made good right after it",
        ),
        pytest.param(
            "30 2 * * *",
            AUTUMN,
            ["10-25 02:30 +0200", "10-26 02:30 +0100"],
            id="an hour that comes twice counts once",
        ),
        pytest.param(
            "*/30 * * * *",
            datetime(2026, 3, 29, 0, tzinfo=UTC),
            ["03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"],
            id="every half hour goes on through the gap",
        ),
        pytest.param(
            "0 * * * *",
            datetime(2026, 10, 24, 23, tzinfo=UTC),
            ["10-25 02:00 +0200", "10-25 02:00 +0100", "10-25 03:00 +0100"],
            id="every hour is done in both of the hours",
        ),
    ],
)
def test_the_change_of_the_clocks_is_that_of_debians_cron(
    schedule: str, after: datetime, expected: list[str]
) -> None:
    """A fixed hour is done once a day, and what goes by the time that passes is not disturbed."""
    assert _after(schedule, BERLIN, after, len(expected)) == expected


def test_a_zone_decides_the_day() -> None:
    """Midnight in Auckland is noon of the day before in UTC."""
    assert _after("0 0 1 * *", "Pacific/Auckland", datetime(2026, 6, 1, tzinfo=UTC), 1) == [
        "07-01 00:00 +1200"
    ]


def test_no_tick_comes_before_the_moment_that_it_is_asked_for() -> None:
    """From the second pass of an hour that comes twice, its first pass is over."""
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    cron = replace(CRON, schedule="30 2 * * *", zone=BERLIN)
    assert next_tick(cron, second_pass) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


# Time is no matter of this test: a machine at work on other things is slow.
@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0,30 1-3 * * *", "0 */5 * * *", "15 4 * * SUN"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 14),
)
def test_ticks_grow_and_none_is_left_out(
    schedule: str, zone: str, after: datetime, days: int
) -> None:
    """Asked one by one or all at once, from whichever moment, the ticks are the same."""
    cron = replace(CRON, schedule=schedule, zone=zone)
    until = after + timedelta(days=days)
    one_by_one = []
    tick = next_tick(cron, after)
    while tick is not None and tick <= until:
        one_by_one.append(tick)
        tick = next_tick(cron, tick)
    assert one_by_one == sorted(set(one_by_one))
    assert find_newest(cron, after, until, 100_000) == one_by_one
    assert find_newest(cron, after, until, 3) == one_by_one[-3:]


NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
MINUTELY = replace(CRON, schedule="* * * * *", most_missed=3)


def _at(hour: int, minute: int) -> datetime:
    return NOW.replace(hour=hour, minute=minute, second=0)


@pytest.mark.parametrize(
    ("missed", "last", "ticks", "skipped"),
    [
        pytest.param("skip", _at(11, 59), [_at(12, 0)], 0, id="one on time, skip"),
        pytest.param("last", _at(11, 59), [_at(12, 0)], 0, id="one on time, last"),
        pytest.param("all", _at(11, 59), [_at(12, 0)], 0, id="one on time, all"),
        pytest.param("skip", _at(11, 57), [_at(12, 0)], 2, id="two missed, skip"),
        pytest.param("last", _at(11, 57), [_at(12, 0)], 2, id="two missed, last"),
        pytest.param(
            "all", _at(11, 57), [_at(11, 58), _at(11, 59), _at(12, 0)], 0, id="two missed, all"
        ),
        pytest.param(
            "all",
            _at(9, 0),
            [_at(11, 57), _at(11, 58), _at(11, 59), _at(12, 0)],
            2,
            id="three hours missed, all, bounded; it looked no further than it must",
        ),
    ],
)
def test_missed_ticks_follow_the_lines_policy(
    missed: Missed, last: datetime, ticks: list[datetime], skipped: int
) -> None:
    """Nothing, the last, or all up to a bound; what is on time is always done."""
    cron = replace(MINUTELY, missed=missed)
    assert find_due(cron, last, NOW) == DueTicks(tuple(ticks), skipped, _at(12, 0))


@pytest.mark.parametrize(
    ("missed", "ticks"), [("skip", ()), ("last", (_at(7, 0),)), ("all", (_at(7, 0),))]
)
def test_a_daily_tick_of_this_morning(missed: Missed, ticks: tuple[datetime, ...]) -> None:
    """Five hours late it is missed: the policy says whether it is made good."""
    due = find_due(replace(CRON, missed=missed), _at(7, 0) - timedelta(days=1), NOW)
    assert due == DueTicks(ticks, 1 - len(ticks), _at(7, 0))


def test_nothing_is_due_twice() -> None:
    """Neither at once nor where the clock of the database has gone back."""
    assert find_due(MINUTELY, _at(12, 0), NOW) is None
    assert find_due(MINUTELY, _at(13, 0), NOW) is None


def test_years_without_a_worker_are_looked_through_at_once() -> None:
    """A line of every minute: only as many ticks are made as are wanted."""
    due = find_due(MINUTELY, datetime(2000, 1, 1, tzinfo=UTC), NOW)
    assert due is not None
    assert due.passed == _at(12, 0)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "Report"}, "`name`"),
        ({"name": None}, "`name`"),
        ({"schedule": "* * * *"}, "five fields"),
        ({"schedule": "0 0 7 * * *"}, "five fields"),
        ({"schedule": None}, "five fields"),
        ({"schedule": "61 * * * *"}, "wrong minute"),
        ({"schedule": "0 0 30 2 *"}, "wrong day-of-month"),
        ({"schedule": "0 0 31 2,4 */2"}, "wrong day-of-month"),
        ({"zone": "Europe/Atlantis"}, "`zone`"),
        ({"zone": "../etc/passwd"}, "`zone`"),
        ({"zone": ""}, "`zone`"),
        ({"missed": "some"}, "`missed`"),
        ({"most_missed": 0}, "`most_missed`"),
        ({"most_missed": 1001}, "`most_missed`"),
    ],
)
def test_a_mistake_in_a_line_is_named(changed: dict[str, Any], says: str) -> None:
    """The field, and what it wants."""
    mistake = find_mistake(replace(CRON, **changed))
    assert mistake is not None
    assert says in mistake


def test_a_right_line_has_no_mistake() -> None:
    """In any of the forms that Debian's cron has."""
    for schedule in ("* * * * *", "*/5 8-18 * * MON-FRI", "0 0 L * *", "0 9 * * 1#1"):
        assert find_mistake(replace(CRON, schedule=schedule, zone=BERLIN)) is None
