"""A push as FCM's HTTP v1 API takes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from pyfcm import FCMNotification

from gtr_jobs.domain.push import Message
from gtr_jobs.domain.tokens import is_installation_id
from gtr_jobs.providers.json_text import write_json

# FCM keeps nothing longer than four weeks.
_LONGEST_TTL = 2_419_200

# pyfcm is asked for one message, not for one device: a place is left for the token. It is a name
# that no text can contain by accident.
_PLACE = uuid4().hex
_PLACE_BYTES = f'"{_PLACE}"'.encode()
# pyfcm knows the older of the two names that FCM has for what a message goes to.
_TOKEN_FIELD = b'"token"'
_FID_FIELD = b'"fid"'


# Its transport stays out of play; the credentials it insists on are never looked at. Its own encoder
# takes ten times as long as all the rest of a message.
_builder: Any = FCMNotification(credentials=object(), project_id="unused")
_builder.json_dumps = write_json
_build: Callable[..., bytes] = _builder.parse_payload


class FcmBody:
    """The request's body for one message and badge, but for the device.

    FCM is moving from registration tokens (`message.token`) to Firebase installation ids
    (`message.fid`) and takes both; a token's shape says which of them it is.

    Args:
        message: What is said.
        badge: Unread count.
        now: What the time to live is counted from.

    Raises:
        UnicodeEncodeError: A text holds half of a surrogate pair.
    """

    __slots__ = ("_after", "_before_fid", "_before_token")

    def __init__(self, message: Message, badge: int, now: datetime) -> None:
        body = _build(
            fcm_token=_PLACE,
            notification_title=message.title,
            notification_body=message.body,
            data_payload={**message.data, "url": message.url},
            android_config=_android(message, badge, now),
            apns_config=_apns(message, badge),
        )
        self._before_token, _, self._after = body.rpartition(_PLACE_BYTES)
        start, _, between = self._before_token.rpartition(_TOKEN_FIELD)
        self._before_fid = start + _FID_FIELD + between

    def for_token(self, token: str) -> bytes:
        """Give the body for one device."""
        before = self._before_fid if is_installation_id(token) else self._before_token
        return before + write_json(token) + self._after


def _android(message: Message, badge: int, now: datetime) -> dict[str, Any]:
    seconds = math.ceil((message.expires_at - now).total_seconds())
    return {
        "priority": "HIGH" if message.urgency == "high" else "NORMAL",
        "ttl": f"{min(max(seconds, 0), _LONGEST_TTL)}s",
        "notification": {
            "tag": message.collapse_id,
            "channel_id": "default",
            "sound": "default",
            "notification_count": badge,
        },
    }


def _apns(message: Message, badge: int) -> dict[str, Any]:
    """Say what Firebase passes on to Apple for a token of an iOS device."""
    return {
        "headers": {
            "apns-collapse-id": message.collapse_id,
            "apns-expiration": str(int(message.expires_at.timestamp())),
            "apns-priority": "10" if message.urgency == "high" else "5",
            "apns-push-type": "alert",
        },
        "payload": {
            "aps": {"badge": badge, "sound": "default", "thread-id": message.thread_id},
        },
    }
