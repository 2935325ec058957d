"""How long to wait before the next attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtr_jobs.domain.backoff import BASE_SECONDS, LONGEST_SECONDS, retry_delay

ATTEMPTS = st.integers(min_value=-5, max_value=10**9)
HINTS = st.floats(min_value=-10, max_value=10**6)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "ceiling"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (10, 2560), (11, 3600), (12, 3600), (1000, 3600)],
)
def test_the_ceiling_doubles_up_to_an_hour(attempt: int, ceiling: float) -> None:
    """With the highest chance the wait is the ceiling, with half of it the half."""
    assert retry_delay(attempt, None, lambda: 1.0) == ceiling
    assert retry_delay(attempt, None, lambda: 0.5) == ceiling / 2


def test_full_jitter_begins_at_nothing() -> None:
    """Some of a crowd go at once, which is what spreads it."""
    assert retry_delay(5, None, lambda: 0.0) == 0.0


@pytest.mark.parametrize(
    ("attempt", "hint", "latest"),
    [(1, 10, 15), (1, 60, 66), (1, 900, 990), (5, 10, 90), (1, 0, 5), (20, 60, 3660)],
)
def test_a_hint_is_a_minimum_and_those_who_got_it_are_spread(
    attempt: int, hint: float, latest: float
) -> None:
    """The jitter comes after the hint, over a tenth of it at least."""
    assert retry_delay(attempt, hint, lambda: 0.0) == hint
    assert retry_delay(attempt, hint, lambda: 1.0) == pytest.approx(latest)


@given(ATTEMPTS, CHANCES)
def test_without_a_hint_the_wait_is_between_nothing_and_an_hour(
    attempt: int, chance: float
) -> None:
    """For any attempt, however large."""
    assert 0 <= retry_delay(attempt, None, lambda: chance) <= LONGEST_SECONDS


@given(ATTEMPTS, HINTS, CHANCES)
def test_no_wait_is_shorter_than_its_hint_nor_much_longer(
    attempt: int, hint: float, chance: float
) -> None:
    """At most an hour is added; a negative hint is none."""
    delay = retry_delay(attempt, hint, lambda: chance)
    assert max(0.0, hint) <= delay <= max(0.0, hint) + LONGEST_SECONDS


@given(ATTEMPTS, CHANCES)
def test_later_attempts_never_wait_less(attempt: int, chance: float) -> None:
    """With the same luck the next wait is as long or longer."""
    assert retry_delay(attempt, None, lambda: chance) <= retry_delay(
        attempt + 1, None, lambda: chance
    )


def test_the_first_wait_is_short() -> None:
    """A dropped connection costs seconds, not minutes."""
    assert retry_delay(1, None, lambda: 0.999) < BASE_SECONDS
