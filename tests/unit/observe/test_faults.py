"""A fault is told by its place."""

from __future__ import annotations

from gtr_jobs.observe.faults import MAX_PLACES, places_of


def _fail(depth: int) -> None:
    if depth == 0:
        raise ValueError("canary-7f3a")
    _fail(depth - 1)


def _caught(depth: int) -> ValueError:
    try:
        _fail(depth)
    except ValueError as error:
        return error
    raise AssertionError


def test_a_fault_is_told_by_its_place_and_not_by_its_text() -> None:
    """The innermost place first; file, line and function, without the machine's folders."""
    first, second, caller = places_of(_caught(1))
    assert [place.partition(" ")[2] for place in (first, second, caller)] == [
        "_fail",
        "_fail",
        "_caught",
    ]
    assert first.startswith("test_faults.py:")
    assert "canary" not in f"{first}{second}{caller}"


def test_a_deep_fault_is_told_shortly() -> None:
    """Where it arose matters, not how long the way there was."""
    assert len(places_of(_caught(100))) == MAX_PLACES


def test_a_fault_that_was_never_raised_has_no_place() -> None:
    """It was made to be told."""
    assert places_of(ValueError("canary-7f3a")) == []
