"""One device's fault or ours: what the other answers say."""

from __future__ import annotations

import pytest

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


def make_evidence() -> Evidence:
    """Doubt two codes: many Foreign are ours, a few Foreign or Odd are dead devices."""
    return Evidence({"Foreign": "the setting"}, frozenset({"Foreign", "Odd"}))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([FOREIGN], [FOREIGN]),
        ([ODD], [ODD]),
        ([FINE, FOREIGN], [FINE, FOREIGN]),
        ([FINE, FOREIGN, FINE], [FINE, DeadTarget("Foreign"), FINE]),
        ([ODD, FINE, FINE], [DeadTarget("Odd"), FINE, FINE]),
        ([FOREIGN] * 4, [FOREIGN] * 4),
        ([FOREIGN] * 5, [OURS] * 5),
        ([FINE] * 6 + [FOREIGN] * 6, [FINE] * 6 + [OURS] * 6),
        ([FINE] * 7 + [FOREIGN] * 6, [FINE] * 7 + [DeadTarget("Foreign")] * 6),
        ([ODD] * 9, [ODD] * 9),
        ([DeadTarget("Foreign")] * 9, [OURS] * 9),
    ],
    ids=repr,
)
def test_the_batch_decides(outcomes: list[Outcome], expected: list[Outcome]) -> None:
    """Few among many are dead, many are a setting, and one alone stays as it is."""
    assert make_evidence().settle(outcomes) == expected


def test_what_others_said_before_counts() -> None:
    """A single push is judged by the pushes before it."""
    evidence = make_evidence()
    evidence.settle([FINE, FINE])
    assert evidence.settle([FOREIGN]) == [DeadTarget("Foreign")]


def test_what_was_long_ago_does_not_count() -> None:
    """Only the last hundred speak: a project that was right may have become wrong."""
    evidence = make_evidence()
    evidence.settle([FINE] * 1000)
    assert evidence.settle([FOREIGN] * 100) == [OURS] * 100


def test_other_outcomes_neither_speak_nor_change() -> None:
    """A fault that passes says nothing of a device."""
    others: list[Outcome] = [
        *(Retry("x"), Ambiguous("x"), Rejected("x"), DeadTarget("x"), Misconfigured("x"))
    ]
    evidence = make_evidence()
    assert evidence.settle(others * 20) == others * 20
    assert evidence.settle([FOREIGN]) == [FOREIGN]
