"""What an attempt's end makes of its delivery."""

from __future__ import annotations

from typing import get_args

import pytest

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    DeliveryState,
    Expired,
    Misconfigured,
    Outcome,
    OutcomeName,
    Rejected,
    Retry,
    Skipped,
    Throttled,
    delivery_state_after,
    outcome_code,
)

_TABLE: list[tuple[Outcome, OutcomeName, DeliveryState, str]] = [
    (Accepted("id"), "accepted", "sent", ""),
    (Rejected("BAD", "detail"), "rejected", "failed", "BAD"),
    (DeadTarget("GONE"), "dead_target", "failed", "GONE"),
    (Throttled("SLOW", 60), "throttled", "queued", "SLOW"),
    (Retry("BUSY"), "retry", "queued", "BUSY"),
    (Misconfigured("KEY"), "misconfigured", "queued", "KEY"),
    (Ambiguous("reset"), "ambiguous", "unknown", "reset"),
    (Skipped("no_device"), "skipped", "skipped", "no_device"),
    (Expired(), "expired", "expired", ""),
]


@pytest.mark.parametrize(("outcome", "name", "state", "code"), _TABLE)
def test_an_outcome_has_one_state_and_one_code(
    outcome: Outcome, name: OutcomeName, state: DeliveryState, code: str
) -> None:
    """One table in one place says what each outcome makes of a delivery."""
    assert (outcome.name, delivery_state_after(outcome), outcome_code(outcome)) == (
        name,
        state,
        code,
    )


def test_the_set_of_outcomes_is_closed() -> None:
    """Every class has a name of its own, and every name a class."""
    assert sorted(kind.name for kind in get_args(Outcome)) == sorted(get_args(OutcomeName))
    assert sorted(name for _, name, _, _ in _TABLE) == sorted(get_args(OutcomeName))
