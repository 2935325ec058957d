"""The app's rows that notifications are about, as the database hands them to the kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

SourceName = Literal["messages", "notifications"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A row of `public.messages`.

    Args:
        row_id: Its id.
        recipient_id: Who is told.
        conversation_id: The chat that it belongs to.
        sender_name: Full name, else user name; empty where the sender has no profile.
        content: What was written, raw; may begin with a reference to a listing.
        has_image: A picture goes with it.
    """

    row_id: UUID
    recipient_id: UUID
    conversation_id: UUID
    sender_name: str = field(repr=False)
    content: str = field(repr=False)
    has_image: bool


@dataclass(frozen=True, slots=True)
class AppNotification:
    """A row of `public.notifications`.

    Args:
        row_id: Its id.
        recipient_id: Who is told.
        kind: Its type.
        title: As the app's trigger worded it.
        body: As the app's trigger worded it.
        data: Ids of what it is about.
    """

    row_id: UUID
    recipient_id: UUID
    kind: str
    title: str = field(repr=False)
    body: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)


SourceRow = ChatMessage | AppNotification
