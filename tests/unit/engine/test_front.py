"""Where a worker begins to look: at the start, unless that is slow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gtr_jobs.engine.front import Front, Start

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Look = Callable[..., Start | None]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Claim at a time of the test's own, for so long; give where it began."""
    clock = [0.0]
    front = Front()
    monkeypatch.setattr("gtr_jobs.engine.front.time.monotonic", lambda: clock[0])

    def look(at: float, seconds: float, *claimed: tuple[int, datetime | None, int]) -> Start | None:
        clock[0] = at
        start = front.begin()
        clock[0] = at + seconds
        front.end(claimed)
        return start

    return look


def test_quick_claims_begin_at_the_start(look: Look) -> None:
    """Nothing is assumed of what stands where, as long as nothing is in the way."""
    assert [look(n / 10, 0.005, (0, None, n)) for n in range(50)] == [None] * 50


def test_a_far_database_is_not_a_slow_queue(look: Look) -> None:
    """What every claim takes, the network takes."""
    assert [look(n, 0.08, (0, None, n)) for n in range(20)] == [None] * 20


def test_after_a_slow_claim_it_begins_behind_what_was_claimed_a_while_ago(look: Look) -> None:
    """By priority, and by when scheduled ones were due; not behind what may still be committed late."""
    look(0.0, 0.001)
    assert look(1.0, 0.2, (5, None, 70), (0, None, 90), (0, NOON, 3)) is None
    assert look(1.3, 0.2, (0, None, 95)) is None
    assert look(1.6, 0.001) == Start({5: 70, 0: 90}, NOON)
    assert look(1.9, 0.001) == Start({5: 70, 0: 95}, NOON)


def test_the_whole_queue_is_looked_at_now_and_then(look: Look) -> None:
    """Every second, or seldomer where that takes long: what was committed behind it is found."""
    look(0.0, 0.001)
    look(1.0, 0.3, (0, None, 90))
    starts = {tenth: look(tenth / 10, 0.3 if tenth == 44 else 0.001) for tenth in range(17, 60)}
    # It took 0.3 s until 1.3, and is looked at again when that is a tenth of the time.
    assert [tenth for tenth, start in starts.items() if start is None] == [44]


def test_once_the_whole_queue_is_quick_again_it_begins_at_the_start(look: Look) -> None:
    """The transaction that kept the dead entries is over."""
    look(0.0, 0.001)
    look(1.0, 0.05, (0, None, 90))
    look(2.2, 0.001)
    look(2.5, 0.001)
    assert look(5.0, 0.001) is None
    assert [look(5.1 + n / 10, 0.001) for n in range(20)] == [None] * 20


def test_an_earlier_end_is_not_gone_back_to() -> None:
    """Whatever order jobs are claimed in, the start only moves on."""
    start = Start({0: 50}, NOON).advance([(0, None, 40), (0, NOON - timedelta(hours=1), 99)])
    assert start == Start({0: 50}, NOON)
