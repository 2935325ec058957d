"""People of the app and what they do, written as the app's own rows."""

from __future__ import annotations

from gtr_jobs.dev.app_rows import (
    create_conversation,
    create_device,
    create_listing,
    create_person,
    favourite_listing,
    send_message,
)

__all__ = [
    "create_conversation",
    "create_device",
    "create_listing",
    "create_person",
    "favourite_listing",
    "send_message",
]
