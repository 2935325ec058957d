"""What an account was asked and failed lately."""

from __future__ import annotations

import pytest

from gtr_jobs.providers.traffic import Traffic


def _calm(traffic: Traffic, seconds: int, a_second: int) -> None:
    for second in range(seconds):
        for place in range(a_second):
            moment = 100.0 + second + place / a_second
            traffic.begin(moment)
            traffic.succeed(moment)


def test_five_failures_that_are_a_tenth_of_all_are_trouble() -> None:
    """Fewer, or among many good answers, are those of single messages."""
    few, many = Traffic(), Traffic()
    _calm(few, 3, 10)
    assert [few.fail(103.0) for _ in range(5)] == [False] * 4 + [True]
    _calm(many, 3, 100)
    for moment in (100.5, 101.0, 101.5, 102.0, 102.5):
        assert not many.fail(moment)
        many.succeed(moment)


def test_five_failures_in_a_row_are_trouble_however_slowly_they_come() -> None:
    """An app that sends one push a minute is not to lose them to an outage."""
    traffic = Traffic()
    assert [traffic.fail(60.0 * minute) for minute in range(1, 6)] == [False] * 4 + [True]


def test_in_trouble_requests_are_begun_no_faster_than_before() -> None:
    """Ten a second before are ten a second in it."""
    traffic = Traffic()
    _calm(traffic, 10, 10)
    for _ in range(20):
        traffic.fail(110.0)
    assert traffic.pace == 10.0
    moment, begun = 110.0, 0
    while moment < 120.0:
        wait = traffic.wait(moment)
        if wait > 0:
            moment += wait
            continue
        traffic.begin(moment)
        traffic.fail(moment)
        begun += 1
    assert begun == pytest.approx(100, abs=1)


def test_what_is_not_used_is_not_saved_up() -> None:
    """After a pause there is no burst."""
    traffic = Traffic()
    _calm(traffic, 10, 10)
    for _ in range(20):
        traffic.fail(110.0)
    traffic.begin(115.0)
    assert traffic.wait(115.0) == pytest.approx(0.1)


def test_it_is_over_without_failures_for_thirty_seconds() -> None:
    """Then nothing is held back any more."""
    traffic = Traffic()
    for _ in range(5):
        traffic.fail(100.0)
    assert traffic.in_trouble
    assert traffic.wait(131.0) == 0.0
    assert not traffic.in_trouble


def test_it_is_over_when_failures_are_few_again() -> None:
    """Good answers outnumber them ten to one."""
    traffic = Traffic()
    for _ in range(5):
        traffic.fail(100.0)
    for _ in range(46):
        traffic.succeed(101.0)
    assert not traffic.in_trouble
