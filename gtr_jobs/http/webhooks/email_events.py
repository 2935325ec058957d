"""What is reported of e-mails, read from JSON.

    {"type": "bounce", "address": "mia@example.org", "permanent": true, "code": "5.1.1",
     "message_id": "<5b0c…@example.com>", "at": "2026-01-31T12:00:00Z"}

or several of them in {"events": [...]}. What Resend sends of its own accord is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from gtr_jobs.domain.delivery_report import read_error_code, read_status
from gtr_jobs.http.webhooks.page import RefusedError
from gtr_jobs.http.webhooks.signed_reports import MOST_EVENTS, split_events

Suppression = Literal["bounced", "complained"]

_LONGEST_ADDRESS = 320
_ADDRESS = re.compile(r"[^\s@<>\x00-\x1f\x7f]+@[^\s@<>\x00-\x1f\x7f]+")
_MESSAGE_ID = re.compile(
    r"<?(?P<id>(?P<ours>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[A-Za-z0-9.-]{1,150})>?"
)
# Resend's names for what has one here.
_RESEND = {
    "email.sent": "sent",
    "email.delivered": "delivered",
    "email.delivery_delayed": "deferred",
    "email.bounced": "bounce",
    "email.complained": "complaint",
    "email.failed": "failed",
}


@dataclass(frozen=True, slots=True)
class EmailEvent:
    """One thing that became of an e-mail.

    Args:
        status: In a word, as a report has it.
        suppression: Why nothing more goes to the address; None where it may.
        addresses: Whom it was for.
        delivery_id: Ours, where it was told.
        message_id: Of the e-mail, without its brackets, where it is one of ours.
        error_code: Why it failed.
        at: When; None where it was not told.
    """

    status: str
    suppression: Suppression | None
    addresses: tuple[str, ...] = field(repr=False)
    delivery_id: UUID | None
    message_id: str | None
    error_code: str | None
    at: datetime | None


def read_events(body: bytes) -> tuple[EmailEvent, ...]:
    """Read all events of a request, or none of them.

    Raises:
        RefusedError: One cannot be read.
    """
    return tuple(_read_event(event) for event in split_events(body))


def _read_event(event: Any) -> EmailEvent:
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise RefusedError(400, "unreadable")
    event = _from_resend(event) if isinstance(event.get("data"), dict) else event
    kind = read_status(event["type"])
    named = _MESSAGE_ID.fullmatch(_text(event.get("message_id")) or "")
    addresses = _read_addresses(event.get("address"))
    if kind is None:
        raise RefusedError(400, "unreadable")
    suppression: Suppression | None = None
    if kind == "complaint":
        kind = suppression = "complained"
    elif kind == "bounce":
        suppression = "bounced" if event.get("permanent") is True else None
        kind = suppression or "deferred"
    if suppression is not None and not addresses and named is None:
        # Somebody who wants no more, or cannot be reached, and whom we do not find: to be mended there.
        raise RefusedError(400, "unreadable")
    return EmailEvent(
        status=kind,
        suppression=suppression,
        addresses=addresses,
        delivery_id=None if named is None else UUID(named["ours"]),
        message_id=None if named is None else named["id"],
        error_code=read_error_code(_text(event.get("code"))),
        at=read_moment(event.get("at")),
    )


def _read_addresses(given: object) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given] if given is not None else []
    addresses = tuple(one.strip() for one in listed if isinstance(one, str))
    if (
        len(addresses) != len(listed)
        or len(addresses) > MOST_EVENTS
        or not all(len(one) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(one) for one in addresses)
    ):
        raise RefusedError(400, "unreadable")
    return addresses


def _from_resend(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event["data"]
    bounce = data.get("bounce")
    bounce = bounce if isinstance(bounce, dict) else {}
    return {
        "type": _RESEND.get(event["type"], event["type"].replace(".", "_")),
        "address": data.get("to"),
        "permanent": bounce.get("type") == "Permanent",
        "code": bounce.get("subType"),
        "message_id": data.get("message_id"),
        "at": event.get("created_at"),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def read_moment(text: object) -> datetime | None:
    """Read when something was; None where that is not said with its zone."""
    try:
        moment = datetime.fromisoformat(_text(text) or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
