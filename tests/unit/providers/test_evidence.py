"""One device's fault or ours: what the other answers say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.pushes import make_push

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
)
from gtr_jobs.providers.evidence import Evidence

FINE = Accepted("id")
FOREIGN = Misconfigured("Foreign", "may be ours")
ODD = Rejected("Odd")
OURS = Misconfigured("Foreign", "the setting")
DEAD = DeadTarget("Foreign")
GONE = DeadTarget("Unregistered")


class Judge:
    """Evidence, and devices of which none comes twice unless a test says so."""

    def __init__(self) -> None:
        self._evidence = Evidence({"Foreign": "the setting"}, frozenset({"Foreign", "Odd"}))
        self._devices = 0

    def settle(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Settle what new devices ended as."""
        first, self._devices = self._devices, self._devices + len(outcomes)
        return self.settle_for(range(first, self._devices), outcomes)

    def settle_for(self, devices: Sequence[int], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Settle what these devices ended as."""
        return self._evidence.settle([make_push("fcm", number) for number in devices], outcomes)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([FOREIGN], [FOREIGN]),
        ([ODD], [ODD]),
        ([FINE, FOREIGN], [FINE, FOREIGN]),
        ([FINE, FOREIGN, FINE], [FINE, DEAD, FINE]),
        ([ODD, FINE, FINE], [DeadTarget("Odd"), FINE, FINE]),
        ([ODD] * 50, [ODD] * 50),
        ([DEAD] * 20, [OURS] * 20),
    ],
    ids=repr,
)
def test_the_batch_decides(outcomes: list[Outcome], expected: list[Outcome]) -> None:
    """Few among many are dead, many are a setting, and one alone stays as it is."""
    assert Judge().settle(outcomes) == expected


@pytest.mark.parametrize(
    ("foreign", "others", "decided"),
    [
        (19, 0, FOREIGN),
        (20, 0, OURS),
        (6, 14, DEAD),
        (7, 13, OURS),
        (30, 70, DEAD),
        (31, 69, OURS),
        (150, 350, DEAD),
        (151, 349, OURS),
        (6, 13, DEAD),
        (9, 10, DEAD),
        (10, 9, FOREIGN),
    ],
)
def test_a_burst_is_more_than_30_percent_of_at_least_20_devices(
    foreign: int, others: int, decided: Outcome
) -> None:
    """One less of either is none: then a device is given up where most others are fine."""
    outcomes = [FOREIGN] * foreign + [FINE] * others
    assert Judge().settle(outcomes) == [decided] * foreign + [FINE] * others


def test_a_burst_drops_none_of_those_before_the_rest_of_it() -> None:
    """In one batch the first refused device is judged by all the others, not only by those before it."""
    assert Judge().settle([FINE] * 50 + [FOREIGN] * 50) == [FINE] * 50 + [OURS] * 50


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_a_burst_is_seen_through_chunks(chunk: int) -> None:
    """However small the chunks, after twenty devices every further one is the setting's."""
    judge = Judge()
    settled: list[Outcome] = []
    for _ in range(0, 140, chunk):
        settled += judge.settle([FOREIGN] * chunk)
    assert DEAD not in settled
    assert set(settled[20:]) == {OURS}


def test_devices_that_are_gone_are_ordinary_however_many() -> None:
    """They make no burst, stay dead, and speak for our settings when another device is doubtful."""
    assert Judge().settle([GONE] * 500) == [GONE] * 500
    assert Judge().settle([GONE] * 80 + [FOREIGN] * 5 + [FINE] * 15) == (
        [GONE] * 80 + [DEAD] * 5 + [FINE] * 15
    )


def test_devices_that_are_gone_are_no_proof_that_others_are_fine() -> None:
    """Only an accepted push lets a doubtful device go."""
    assert Judge().settle([GONE] * 80 + [FOREIGN]) == [GONE] * 80 + [FOREIGN]


def test_one_device_that_is_tried_again_makes_no_burst() -> None:
    """It counts once, whatever is said of it how often."""
    judge = Judge()
    for _ in range(100):
        assert judge.settle_for([7], [FOREIGN]) == [FOREIGN]


def test_what_others_said_before_counts() -> None:
    """A single push is judged by the pushes before it."""
    judge = Judge()
    judge.settle([FINE, FINE])
    assert judge.settle([FOREIGN]) == [DEAD]


def test_what_was_long_ago_does_not_count() -> None:
    """Only the last hundred devices speak: a project that was right may have become wrong."""
    judge = Judge()
    judge.settle([FINE] * 1000)
    assert judge.settle([FOREIGN] * 100) == [OURS] * 100


def test_other_outcomes_neither_speak_nor_change() -> None:
    """A fault that passes says nothing of a device."""
    others: list[Outcome] = [
        *(Retry("x"), Ambiguous("x"), Rejected("x"), DeadTarget("x"), Misconfigured("x"))
    ]
    judge = Judge()
    assert judge.settle(others * 20) == others * 20
    assert judge.settle([FOREIGN]) == [FOREIGN]
