"""How a chat message is worded."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from gtr_jobs.domain.sources import ChatMessage
from gtr_jobs.kinds.base import Notice
from gtr_jobs.kinds.new_message import NewMessage

_MESSAGE = UUID("11111111-1111-4111-8111-111111111111")
_CHAT = UUID("22222222-2222-4222-8222-222222222222")
_LEO = UUID("33333333-3333-4333-8333-333333333333")
_REFERENCE = '__listing_ref__:{"id": "9", "note": "a } in a string"}'


def _message(content: str, *, sender: str = "Mia Rossi", has_image: bool = False) -> ChatMessage:
    return ChatMessage(_MESSAGE, _LEO, _CHAT, sender, content, has_image)


def test_a_message_is_worded_in_full() -> None:
    """Sender, text, link, thread by conversation, and an id of its own."""
    assert NewMessage().tell(_message("Hello")) == Notice(
        title="Mia Rossi",
        body="Hello",
        path=f"chat/{_CHAT}",
        thread_id=f"conversation-{_CHAT}",
        collapse_id=f"message-{_MESSAGE}",
        data={"conversation_id": str(_CHAT), "message_id": str(_MESSAGE)},
    )
    assert len(f"message-{_MESSAGE}".encode()) <= 64
    assert (NewMessage.time_to_live, NewMessage.urgency) == (timedelta(hours=24), "high")


@pytest.mark.parametrize(
    ("content", "has_image", "body"),
    [
        (_REFERENCE, False, "Shared a listing"),
        (f"{_REFERENCE} Is it this one?", False, "Is it this one?"),
        (f"{_REFERENCE}\n\nTwo lines", False, "Two lines"),
        (f"  {_REFERENCE}text", False, "text"),
        ('__listing_ref__: {"id": 1} spaced', False, "spaced"),
        ('__listing_ref__:{"id": "9"', False, "Shared a listing"),
        ("__listing_ref__:", False, "Shared a listing"),
        ("__listing_ref__:" + "[" * 100_000, False, "Shared a listing"),
        (f"Look: {_REFERENCE}", False, "Look:"),
        (f"{_REFERENCE} and {_REFERENCE}", False, "Shared a listing"),
        ("", True, "Sent a photo"),
        ("With a photo", True, "With a photo"),
        ("   ", False, "Sent a message"),
    ],
)
def test_a_preview_never_shows_a_reference(content: str, has_image: bool, body: str) -> None:
    """Whatever stands before, behind or inside it, cut off or twice."""
    assert NewMessage().tell(_message(content, has_image=has_image)).body == body


def test_a_sender_without_a_name_is_still_a_message() -> None:
    """An account without a profile leaves no empty title."""
    assert NewMessage().tell(_message("Hello", sender="")).title == "New message"
