"""How many requests an account has under way at once."""

from __future__ import annotations

import pytest

from gtr_jobs.providers.window import Window


def test_it_begins_at_a_hundred_and_doubles_a_round_trip_up_to_the_full_width() -> None:
    """So a burst has the whole width within a few round trips."""
    window = Window(1200)
    limits = [window.limit]
    while window.limit < 1200:
        for _ in range(window.limit):
            window.grow()
        limits.append(window.limit)
    assert limits == [100, 200, 400, 800, 1200]


def test_after_trouble_it_grows_by_a_hundredth_of_its_width_a_round_trip() -> None:
    """It comes near the limit that was too much slowly."""
    window = Window(1200)
    window.shrink(started_at=0.0, now=1.0)
    limits = [window.limit]
    for _ in range(3):
        for _ in range(window.limit):
            window.grow()
        limits.append(window.limit)
    assert limits == pytest.approx([50, 62, 74, 86], abs=5)


def test_what_was_under_way_at_a_halving_does_not_halve_it_again() -> None:
    """Once a round trip, whatever number of requests goes wrong."""
    window = Window(100)
    for started_at in (0.0, 0.5, 0.9):
        window.shrink(started_at, now=1.0)
    assert window.limit == 50
    window.shrink(started_at=1.0, now=2.0)
    assert window.limit == 25


def test_it_never_falls_below_one_nor_rises_above_its_width() -> None:
    """There is always one request that finds out."""
    window = Window(6)
    for moment in range(20):
        window.shrink(float(moment), float(moment))
    assert window.limit == 1
    for _ in range(1000):
        window.grow()
    assert window.limit == 6
