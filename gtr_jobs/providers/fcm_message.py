"""A push as FCM's HTTP v1 API takes it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

from pyfcm import FCMNotification

from gtr_jobs.domain.push import Message, Urgency
from gtr_jobs.domain.tokens import is_installation_id
from gtr_jobs.providers.json_text import write_json

# FCM keeps nothing longer than four weeks.
_LONGEST_TTL = 2_419_200

# pyfcm is asked for a form, and not for every message or device: a place is left for each value. It
# is a name that no text can contain by accident.
_MARK = uuid4().hex
_PLACE = re.compile(rb'(?:{"%b-data":0}|"%b-(\w+)")' % (_MARK.encode(), _MARK.encode()))
# pyfcm knows the older of the two names that FCM has for what a message goes to.
_TOKEN_FIELD = b'"token":'
_FID_FIELD = b'"fid":'


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
        seconds = math.ceil((message.expires_at - now).total_seconds())
        count = b"%d" % badge
        collapse_id = write_json(message.collapse_id)
        values = {
            b"badge": count,
            b"body": write_json(message.body),
            b"collapse_id": collapse_id,
            b"count": count,
            b"data": write_json({**message.data, "url": message.url}),
            b"expiration": b'"%d"' % message.expires_at.timestamp(),
            b"tag": collapse_id,
            b"thread_id": write_json(message.thread_id),
            b"title": write_json(message.title),
            b"ttl": b'"%ds"' % min(max(seconds, 0), _LONGEST_TTL),
        }
        form = _write_form(message.urgency, bool(message.title), bool(message.body))
        written = b"".join([piece + values[place] for piece, place in form.places])
        self._before_token = written + form.before_token
        self._before_fid = written + form.before_token[: -len(_TOKEN_FIELD)] + _FID_FIELD
        self._after = form.after_token

    def for_token(self, token: str) -> bytes:
        """Give the body for one device."""
        before = self._before_fid if is_installation_id(token) else self._before_token
        return before + write_json(token) + self._after


class _Form(NamedTuple):
    """What all messages of a sort have in common.

    Args:
        places: What stands before each value, and the value's name.
        before_token: What stands between the last of them and the token.
        after_token: What stands behind it.
    """

    places: tuple[tuple[bytes, bytes], ...]
    before_token: bytes
    after_token: bytes


@cache
def _write_form(urgency: Urgency, has_title: bool, has_body: bool) -> _Form:
    """Have pyfcm write a message, and cut it where the values are."""
    text = _build(
        fcm_token=_place("token"),
        notification_title=_place("title") if has_title else None,
        notification_body=_place("body") if has_body else None,
        data_payload={_place("data"): 0},
        android_config={
            "priority": "HIGH" if urgency == "high" else "NORMAL",
            "ttl": _place("ttl"),
            "notification": {
                "tag": _place("tag"),
                "channel_id": "default",
                "sound": "default",
                "notification_count": _place("count"),
            },
        },
        # What Firebase passes on to Apple for a token of an iOS device.
        apns_config={
            "headers": {
                "apns-collapse-id": _place("collapse_id"),
                "apns-expiration": _place("expiration"),
                "apns-priority": "10" if urgency == "high" else "5",
                "apns-push-type": "alert",
            },
            "payload": {
                "aps": {
                    "badge": _place("badge"),
                    "sound": "default",
                    "thread-id": _place("thread_id"),
                },
            },
        },
    )
    # Every second piece is a value's name; the object that the data is has no other sign of its own.
    *pieces, after_token = _PLACE.split(text)
    names = [name or b"data" for name in pieces[1::2]]
    starts = pieces[0::2]
    return _Form(tuple(zip(starts[:-1], names[:-1], strict=True)), starts[-1], after_token)


def _place(name: str) -> str:
    return f"{_MARK}-{name}"
