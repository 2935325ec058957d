"""A chat message: the recipient sees who wrote and the beginning of what was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import MESSAGES, ChatMessage, Source
from gtr_jobs.kinds.base import Notice

# The app stores a shared listing as this sign and a JSON object before the text, if there is any.
_LISTING_REFERENCE = "__listing_ref__:"

_SHARED_LISTING = "Shared a listing"
_SENT_PHOTO = "Sent a photo"
_EMPTY = "Sent a message"
_UNKNOWN_SENDER = "New message"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Told for every message, one notification a message, grouped by conversation."""

    name: ClassVar[str] = "message"
    source: ClassVar[Source[ChatMessage]] = MESSAGES
    time_to_live: ClassVar[timedelta] = timedelta(hours=24)
    urgency: ClassVar[Urgency] = "high"

    def tell(self, row: ChatMessage) -> Notice:
        """Word the notice: the sender's name, and a preview that never shows a reference raw."""
        conversation_id, message_id = str(row.conversation_id), str(row.row_id)
        return Notice(
            title=row.sender_name or _UNKNOWN_SENDER,
            body=preview_of(row),
            path=f"chat/{conversation_id}",
            thread_id=f"conversation-{conversation_id}",
            # Two messages are two notifications; the same one sent again takes its own place.
            collapse_id=f"message-{message_id}",
            data={"conversation_id": conversation_id, "message_id": message_id},
        )


def preview_of(row: ChatMessage) -> str:
    """Say in a line what was written."""
    text = row.content.strip()
    if text.startswith(_LISTING_REFERENCE):
        return _text_after_reference(text.removeprefix(_LISTING_REFERENCE)) or _SHARED_LISTING
    if _LISTING_REFERENCE in text:
        text = text.partition(_LISTING_REFERENCE)[0].strip()
        return text or _SHARED_LISTING
    return text or (_SENT_PHOTO if row.has_image else _EMPTY)


def _text_after_reference(rest: str) -> str:
    try:
        _, end = json.JSONDecoder().raw_decode(rest.lstrip())
    except (ValueError, RecursionError):
        # Cut or broken: where it ends is not known, so none of it is shown.
        return ""
    text = rest.lstrip()[end:].strip()
    return "" if _LISTING_REFERENCE in text else text
