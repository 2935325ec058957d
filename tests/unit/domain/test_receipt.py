"""What a receipt makes of its delivery."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.outcome import (
    Accepted,
    DeadTarget,
    DeliveryState,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
)
from gtr_jobs.domain.receipt import code_after_receipt, state_after_receipt

TABLE: tuple[tuple[Outcome, DeliveryState, DeliveryState, str], ...] = (
    (Accepted("t"), "sent", "sent", "receipt_ok"),
    (DeadTarget("DeviceNotRegistered"), "failed", "failed", "DeviceNotRegistered"),
    (Rejected("MessageTooBig"), "failed", "failed", "MessageTooBig"),
    (Misconfigured("MismatchSenderId"), "failed", "failed", "MismatchSenderId"),
    (Retry("MessageRateExceeded", 300.0), "queued", "failed", "MessageRateExceeded"),
)


@pytest.mark.parametrize(("outcome", "while_tried", "at_last", "code"), TABLE, ids=repr)
def test_a_receipt_is_the_last_word_of_its_push(
    outcome: Outcome, while_tried: DeliveryState, at_last: DeliveryState, code: str
) -> None:
    """Only what may pass by itself is left open, and that only as long as it may be tried."""
    assert state_after_receipt(outcome, may_try_again=True) == while_tried
    assert state_after_receipt(outcome, may_try_again=False) == at_last
    assert code_after_receipt(outcome) == code
