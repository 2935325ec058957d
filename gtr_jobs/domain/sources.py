"""The rows that notifications are about: where each kind of row is read, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID


class SourceRow(Protocol):
    """A row that a notification is about; the rest of it is between its function and its kind."""

    @property
    def row_id(self) -> UUID:
        """Its id, as the job names it."""

    @property
    def recipient_id(self) -> UUID:
        """Who is told."""


RowT_co = TypeVar("RowT_co", bound=SourceRow, covariant=True)


@dataclass(frozen=True, slots=True)
class Source(Generic[RowT_co]):
    """Where the rows of a kind of notification are read.

    Args:
        function: A function of the database that the worker may call, as `schema.name`: takes ids
            (`uuid[]`) and returns the rows that are there.
        row: A dataclass, made of each row; has at least `row_id` and `recipient_id`.
        columns: The function's columns, in the order of the dataclass's fields; unless given, they
            have the fields' names.
    """

    function: str
    row: type[RowT_co]
    columns: tuple[str, ...] = ()

    def column_names(self) -> tuple[str, ...]:
        """Name the columns to ask for, in the order in which the row takes them."""
        # A dataclass, which no type can ask for beside a protocol.
        return self.columns or tuple(one.name for one in fields(self.row))  # type: ignore[arg-type]


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


MESSAGES = Source(
    "gtr_jobs.read_messages",
    ChatMessage,
    ("message_id", "recipient_id", "conversation_id", "sender_name", "content", "has_image"),
)
NOTIFICATIONS = Source(
    "gtr_jobs.read_notifications",
    AppNotification,
    ("notification_id", "user_id", "kind", "title", "body", "data"),
)
