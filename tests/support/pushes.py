"""Pushes to send, and the time at which they are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from gtr_jobs.domain.push import Message, Push, Target
from gtr_jobs.domain.tokens import TokenKind

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

_NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def make_message(**changes: Any) -> Message:
    """Make a message that lives for an hour."""
    fields: dict[str, Any] = {
        "title": "Rin Tanaka",
        "body": "Is the R34 still for sale?",
        "url": "gtr-marketplace://messages/42",
        "thread_id": "conversation-42",
        "collapse_id": "message-7",
        "expires_at": NOW + timedelta(hours=1),
        "urgency": "high",
        "data": {"kind": "new_message"},
    }
    return Message(**(fields | changes))


def make_token(kind: TokenKind, number: int = 0) -> str:
    """Make a token of a kind's shape."""
    match kind:
        case "fcm":
            return f"fcmInstance{number:04d}:" + "A" * 100
        case "apns":
            return f"{number:064x}"
        case "expo":
            return f"ExponentPushToken[device{number:04d}]"


def make_push(kind: TokenKind, number: int = 0, message: Message | None = None) -> Push:
    """Make a push to a device that was registered a day ago."""
    return Push(
        push_id=uuid5(_NAMESPACE, f"push-{number}"),
        message=message or make_message(),
        target=Target(
            device_id=uuid5(_NAMESPACE, f"device-{number}"),
            token=make_token(kind, number),
            kind=kind,
            registered_at=NOW - timedelta(days=1),
        ),
        badge=3,
    )
