"""A push as APNs takes it."""

from __future__ import annotations

from aioapns import PRIORITY_HIGH, PRIORITY_NORMAL, PushType

from gtr_jobs.domain.push import Message, Push
from gtr_jobs.providers.json_text import write_json

# What every request carries; `apns-priority` and the rest differ.
PUSH_TYPE: str = PushType.ALERT.value

_PRIORITY: dict[str, str] = {"high": PRIORITY_HIGH, "normal": PRIORITY_NORMAL}


def write_apns_body(message: Message, badge: int) -> bytes:
    """Write what a device gets; the app's own keys stand beside `aps`, not in it.

    Raises:
        UnicodeEncodeError: A text holds half of a surrogate pair.
    """
    aps = {
        "alert": {"title": message.title, "body": message.body},
        "badge": badge,
        "sound": "default",
        "thread-id": message.thread_id,
    }
    body = {**message.data, "url": message.url, "aps": aps}
    return write_json(body)


def apns_headers(push: Push) -> tuple[tuple[str, str], ...]:
    """Give the headers that differ from push to push."""
    message = push.message
    return (
        # APNs echoes the id in the form it was sent in; str() of a UUID is lower case.
        ("apns-id", str(push.push_id)),
        ("apns-collapse-id", message.collapse_id),
        ("apns-expiration", str(int(message.expires_at.timestamp()))),
        ("apns-priority", _PRIORITY[message.urgency]),
    )
