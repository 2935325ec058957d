"""What is to be done with a message, from what the ledger says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from gtr_jobs.db.outgoing import Outgoing, PastAttempt
from gtr_jobs.domain.outcome import Expired, Retry, Skipped
from gtr_jobs.tasks.clearing import (
    Ask,
    Close,
    GiveUp,
    Send,
    Settle,
    Step,
    Wait,
    next_step,
    step_when_absent,
)

DELAYS = (15.0, 60.0, 180.0)


def _message(
    state: str = "queued", *, age: float | None = None, deadline_in: float = -1.0, **changes: Any
) -> Outgoing:
    attempt = (
        None
        if age is None
        else PastAttempt(UUID(int=1), "twilio", datetime.now(UTC), age, deadline_in, "ab")
    )
    values: dict[str, Any] = {
        "delivery_id": UUID(int=2),
        "template": "event_reminder",
        "user_id": UUID(int=3),
        "data": {},
        "address": "+14155550100",
        "address_hash": "ab",
        "locale": "",
        "refusal": None,
        "expires_in": 60.0,
        "state": state,
        "is_resent": False,
        "attempt": attempt,
    }
    return Outgoing(**values | changes)


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (_message(), Send()),
        # An attempt that was certainly not taken.
        (_message(age=5.0), Send()),
        (_message(expires_in=0.0), Settle(Expired())),
        (_message(refusal="unsubscribed"), Settle(Skipped("unsubscribed"))),
        (_message(refusal="consent_unknown"), Settle(Retry("consent_unknown"))),
        (_message(data=None), Settle(Skipped("content_erased"))),
        (_message("sent", age=5.0), Close()),
        (_message("failed"), Close()),
        # Somebody may still be at it.
        (_message("sending", age=5.0, deadline_in=15.0), Wait(15.05)),
        (_message("sending", age=5.0), Wait(10.0)),
        (_message("unknown", age=20.0), Ask(again_in=40.0)),
        (_message("unknown", age=60.0), Ask(again_in=120.0)),
        (_message("unknown", age=180.0), Ask(again_in=None)),
        # A worker that comes late asks once, and knows.
        (_message("sending", age=3600.0), Ask(again_in=None)),
        # What is too old is still asked for: nobody may say that it was not sent.
        (_message("unknown", age=180.0, expires_in=-1.0), Ask(again_in=None)),
    ],
    ids=str,
)
def test_the_next_step_follows_from_the_ledger(message: Outgoing, step: Step) -> None:
    """By the times of the attempt, as the database's clock has them."""
    assert next_step(message, DELAYS, can_ask=True) == step


def test_what_cannot_be_asked_for_is_given_up_when_nobody_can_be_at_it() -> None:
    """An e-mail: not before, and not sent again."""
    assert next_step(_message("sending", age=5.0, deadline_in=9.0), DELAYS, can_ask=False) == Wait(
        9.05
    )
    assert next_step(_message("sending", age=5.0), DELAYS, can_ask=False) == GiveUp()


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (_message("unknown", age=180.0), Send(is_again=True)),
        (_message("unknown", age=180.0, is_resent=True), GiveUp()),
        (_message("unknown", age=180.0, expires_in=-1.0), Settle(Expired())),
        (_message("unknown", age=180.0, refusal="unsubscribed"), Settle(Skipped("unsubscribed"))),
    ],
    ids=str,
)
def test_what_is_absent_is_sent_again_once(message: Outgoing, step: Step) -> None:
    """Unless it is too old, or not wanted any more."""
    assert step_when_absent(message) == step


def test_a_message_shows_nothing_of_itself() -> None:
    """Neither in a log nor in an exception."""
    shown = repr(_message(data={"event_title": "Daikoku"}))
    assert shown == f"Outgoing({UUID(int=2)})"
