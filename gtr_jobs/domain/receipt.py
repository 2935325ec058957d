"""What a provider tells later of a push that it took: its receipt.

    receipt ── Told ────▶ how the push ended after all; its delivery follows
            ── Missing ─▶ the provider knows nothing of it, yet or any more
            ── Unread ──▶ nobody could be asked, or the answer was none

Nothing of a push is changed but by a receipt that was told, or by giving up.
"""

from __future__ import annotations

from dataclasses import dataclass

from gtr_jobs.domain.outcome import (
    Accepted,
    DeliveryState,
    Outcome,
    Retry,
    Throttled,
    delivery_state_after,
    outcome_code,
)

# What the ledger says of a delivery that stays as it was sent.
CONFIRMED_CODE = "receipt_ok"
MISSING_CODE = "receipt_missing"


@dataclass(frozen=True, slots=True)
class Told:
    """The provider says what became of the push.

    Args:
        outcome: How it ended; accepted where Apple or Google took it.
    """

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider answered, and has no receipt for it that could be read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Whether there is a receipt is not known.

    Args:
        cause: How the attempt to ask ended.
    """

    cause: Outcome


Receipt = Told | Missing | Unread


def state_after_receipt(outcome: Outcome, *, may_try_again: bool) -> DeliveryState:
    """Say in which state a receipt leaves its delivery.

    A receipt is the last word of its push: where that is not to be tried again, what an attempt
    would have left open has failed.
    """
    state = delivery_state_after(outcome)
    if state != "queued" or (may_try_again and isinstance(outcome, Retry | Throttled)):
        return state
    return "failed"


def code_after_receipt(outcome: Outcome) -> str:
    """Give the code that the ledger keeps of a receipt."""
    return CONFIRMED_CODE if isinstance(outcome, Accepted) else outcome_code(outcome)
