"""APNs provider tokens: how often they are signed."""

from __future__ import annotations

import itertools

import pytest
from support.provider_keys import KEY_ID, TEAM_ID, apple_key

from gtr_jobs.providers.apns_tokens import ApnsTokens

MINUTE = 60.0


class Apple:
    """A clock, and tokens that tell the time by it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.tokens = ApnsTokens(apple_key(), KEY_ID, TEAM_ID, lambda: self.now)

    def headers_over(self, minutes: int) -> list[str]:
        """Ask for the header every minute."""
        headers = []
        for _ in range(minutes):
            headers.append(self.tokens.header())
            self.now += MINUTE
        return headers


@pytest.fixture
def apple() -> Apple:
    """Tokens at a time of the test's own."""
    return Apple()


def test_a_token_lives_between_20_and_60_minutes(apple: Apple) -> None:
    """Apple refuses older ones, and counts those that come sooner."""
    ages = [len(list(group)) for _, group in itertools.groupby(apple.headers_over(300))]
    assert all(20 <= age < 60 for age in ages[:-1])
    assert len(ages) > 4


def test_a_clock_that_goes_back_makes_a_new_token(apple: Apple) -> None:
    """A token from the future is none to Apple."""
    first = apple.tokens.header()
    apple.now -= 90 * MINUTE
    assert apple.tokens.header() != first


def test_a_long_sleep_makes_a_new_token(apple: Apple) -> None:
    """What was signed before the machine slept is too old after it."""
    first = apple.tokens.header()
    apple.now += 600 * MINUTE
    assert apple.tokens.header() != first


def test_a_refused_token_is_replaced_once_in_20_minutes(apple: Apple) -> None:
    """However many complain of it."""
    first = apple.tokens.header()
    second = apple.tokens.replace(rejected=first)
    assert second is not None
    assert second != first
    assert apple.tokens.replace(rejected=first) == second
    assert apple.tokens.replace(rejected=second) is None
    apple.now += 19 * MINUTE
    assert apple.tokens.replace(rejected=second) is None
    assert apple.tokens.header() == second
    apple.now += MINUTE
    assert apple.tokens.replace(rejected=second) not in {None, first, second}


def test_a_hold_stops_all_signing_for_20_minutes(apple: Apple) -> None:
    """Neither age nor a refusal makes a new one meanwhile."""
    first = apple.tokens.header()
    apple.now += 30 * MINUTE
    apple.tokens.hold()
    assert apple.tokens.replace(rejected=first) is None
    assert apple.headers_over(20) == [first] * 20
    assert apple.tokens.header() != first


def test_a_hold_before_the_first_token_stops_nothing(apple: Apple) -> None:
    """Without any token nothing could be sent."""
    apple.tokens.hold()
    assert apple.tokens.header().startswith("bearer ")
