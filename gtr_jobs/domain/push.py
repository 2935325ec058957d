"""A push before it belongs to a provider: what is said, to which device, for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from gtr_jobs.domain.outcome import ApnsEnvironment
from gtr_jobs.domain.tokens import TokenKind

# Whose devices are those of which nobody says to which app they belong.
DEFAULT_APP = "default"

Urgency = Literal["high", "normal"]


class Message(NamedTuple):
    """What one notification says, the same for every device of its recipient.

    Args:
        title: One line, shown in bold.
        body: The text under it.
        url: Deep link that a tap opens.
        thread_id: Groups notifications on the lock screen (APNs thread-id).
        collapse_id: Names the notification, at most 64 bytes: another with the same id takes its
            place on APNs, Android (tag) and Expo.
        expires_at: When it is of no use any more; nothing is sent after it.
        urgency: `high` wakes the device.
        data: Keys for the app beside the url; text values only, as FCM takes no others.
    """

    title: str
    body: str
    url: str
    thread_id: str
    collapse_id: str
    expires_at: datetime
    urgency: Urgency = "high"
    data: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        """Show which message it is, without what it says."""
        return f"Message(collapse_id={self.collapse_id!r}, expires_at={self.expires_at})"


class Target(NamedTuple):
    """One living device.

    Args:
        device_id: The row of the app's table that holds the token.
        token: The provider's address of the device; secret, never logged.
        kind: What the token's shape says; None where it is none that we know.
        registered_at: When the app last registered it.
        app: Which app it belongs to: whose credentials reach it.
        apns_environment: Which of Apple's hosts knows the token; None where that is not known.
    """

    device_id: UUID
    token: str
    kind: TokenKind | None
    registered_at: datetime
    app: str = DEFAULT_APP
    apns_environment: ApnsEnvironment | None = None

    def __repr__(self) -> str:
        """Show which device it is, without its token."""
        return f"Target(device_id={self.device_id}, kind={self.kind!r}, app={self.app!r})"


class Push(NamedTuple):
    """One message for one device.

    Args:
        push_id: Stable over retries (a UUID made from the delivery's key): APNs' `apns-id`.
        message: What is said; shared by all devices of a recipient.
        target: Where it goes.
        badge: Unread count shown on the app's icon.
    """

    push_id: UUID
    message: Message
    target: Target
    badge: int
