"""People of the app and what they do, written as the app's own rows."""

from __future__ import annotations

from gtr_jobs.dev.app_rows import (
    answer_event,
    create_conversation,
    create_device,
    create_event,
    create_listing,
    create_person,
    favourite_event,
    favourite_listing,
    like_post,
    save_search,
    send_message,
    write_comment,
    write_post,
)

__all__ = [
    "answer_event",
    "create_conversation",
    "create_device",
    "create_event",
    "create_listing",
    "create_person",
    "favourite_event",
    "favourite_listing",
    "like_post",
    "save_search",
    "send_message",
    "write_comment",
    "write_post",
]
