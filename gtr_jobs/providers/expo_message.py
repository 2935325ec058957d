"""A push as Expo's push service takes it."""

from __future__ import annotations

import math
from datetime import datetime

from gtr_jobs.domain.push import Message
from gtr_jobs.providers.json_text import write_json

# Expo passes the time to live on to FCM, which keeps nothing longer than four weeks.
_LONGEST_TTL = 2_419_200


class ExpoBody:
    """One message of a request, but for its token.

    Args:
        message: What is said.
        badge: Unread count.
        now: What the time to live is counted from.

    Raises:
        UnicodeEncodeError: A text holds half of a surrogate pair.
    """

    __slots__ = ("_fields",)

    def __init__(self, message: Message, badge: int, now: datetime) -> None:
        seconds = math.ceil((message.expires_at - now).total_seconds())
        fields = {
            "title": message.title,
            "body": message.body,
            "data": {**message.data, "url": message.url},
            "badge": badge,
            "sound": "default",
            "channelId": "default",
            "ttl": min(max(seconds, 0), _LONGEST_TTL),
            "priority": message.urgency,
            "collapseId": message.collapse_id,
            "tag": message.collapse_id,
            "threadId": message.thread_id,
        }
        self._fields = write_json(fields)

    def for_token(self, token: str) -> bytes:
        """Give the message for one device."""
        return b'{"to":' + write_json(token) + b"," + self._fields[1:]
