"""What is reported of e-mails is read whole, or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from gtr_jobs.http.webhooks.email_events import EmailEvent, read_events
from gtr_jobs.http.webhooks.page import RefusedError

DELIVERY = UUID("5b0c1c52-8f0a-4f0e-9a57-0123456789ab")


def _read(event: object) -> tuple[EmailEvent, ...]:
    return read_events(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("event", "status", "suppression"),
    [
        ({"type": "bounce", "permanent": True}, "bounced", "bounced"),
        ({"type": "bounce", "permanent": False}, "deferred", None),
        ({"type": "bounce"}, "deferred", None),
        ({"type": "complaint"}, "complained", "complained"),
        ({"type": "delivered"}, "delivered", None),
        ({"type": "Teleported"}, "teleported", None),
    ],
)
def test_an_event_says_what_became_of_an_email(
    event: dict[str, object], status: str, suppression: str | None
) -> None:
    """And whether anything more goes to its address: a bounce ends it only where it says that it is for good."""
    whole = {
        **event,
        "address": " mia@example.org ",
        "code": "5.1.1",
        "message_id": f"<{DELIVERY}@jobs.example.com>",
        "at": "2026-01-31T13:00:00+01:00",
    }
    (read,) = _read(whole)

    assert (read.status, read.suppression) == (status, suppression)
    assert (read.addresses, read.delivery_id, read.error_code, read.at) == (
        ("mia@example.org",),
        DELIVERY,
        "5.1.1",
        datetime(2026, 1, 31, 12, tzinfo=UTC),
    )


def test_several_events_come_in_one_request() -> None:
    """A hundred at most."""
    event = {"type": "complaint", "address": "mia@example.org"}

    assert len(_read({"events": [event] * 100})) == 100


@pytest.mark.parametrize(
    ("kind", "bounce", "status", "suppression"),
    [
        ("email.bounced", {"type": "Permanent", "subType": "General"}, "bounced", "bounced"),
        ("email.bounced", {"type": "Transient", "subType": "General"}, "deferred", None),
        ("email.complained", None, "complained", "complained"),
        ("email.delivered", None, "delivered", None),
        ("email.delivery_delayed", None, "deferred", None),
        ("email.teleported", None, "email_teleported", None),
    ],
)
def test_what_resend_sends_is_read_too(
    kind: str, bounce: object, status: str, suppression: str | None
) -> None:
    """In its own form."""
    data = {"email_id": str(UUID(int=1)), "to": ["mia@example.org"], "subject": "Hello"}
    (read,) = _read(
        {
            "type": kind,
            "created_at": "2026-01-31T12:00:00.000Z",
            "data": data if bounce is None else data | {"bounce": bounce},
        }
    )

    assert (read.status, read.suppression, read.addresses) == (
        status,
        suppression,
        ("mia@example.org",),
    )


def test_no_address_shows_in_a_representation() -> None:
    """It ends in logs and tracebacks."""
    assert "mia" not in repr(_read({"type": "complaint", "address": "mia@example.org"}))


@pytest.mark.parametrize(
    "event",
    [
        None,
        5,
        [],
        {},
        {"type": 5},
        {"type": "two words"},
        {"events": []},
        {"events": [{"type": "complaint", "address": "a@b"}] * 101},
        {"events": [{"type": "complaint", "address": "a@b"}, {"type": "complaint"}]},
        {"type": "complaint"},
        {"type": "complaint", "address": ""},
        {"type": "complaint", "address": "mia"},
        {"type": "complaint", "address": "a b@example.org"},
        {"type": "complaint", "address": "a@example.org\nBcc: b@example.org"},
        {"type": "complaint", "address": f"{'a' * 320}@example.org"},
        {"type": "complaint", "address": ["a@example.org", 5]},
        {"type": "bounce", "permanent": True, "message_id": "<other@example.org>"},
    ],
)
def test_what_cannot_be_read_is_refused_whole(event: object) -> None:
    """Who complains and is not found is mended by whoever sends it."""
    with pytest.raises(RefusedError, match=r"^unreadable$"):
        _read(event)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"type": NaN}', b"[" * 60_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    """Whatever it is instead."""
    with pytest.raises(RefusedError, match=r"^unreadable$"):
        read_events(body)
