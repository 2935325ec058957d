"""Reads what is posted to Expo: one message or many, plain or gzipped."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gtr_jobs.dev.standins.exchange import Request

MAX_BODY = 4 * 1024 * 1024
MAX_PAYLOAD = 4096

# isExpoPushToken in ExpoClient.ts of Expo's own library.
_TOKEN = re.compile(
    r"Expo(?:nent)?PushToken\[[^\[\]\s]+\]|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)

# The message request format, field by field, with the name that a complaint gives the type.
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "title": ((str,), "a string"),
    "subtitle": ((str,), "a string"),
    "body": ((str,), "a string"),
    "data": ((dict,), "of type object"),
    "ttl": ((int, float), "a number"),
    "expiration": ((int, float), "a number"),
    "badge": ((int,), "a number"),
    "channelId": ((str,), "a string"),
    "categoryId": ((str,), "a string"),
    "collapseId": ((str,), "a string"),
    "tag": ((str,), "a string"),
    "icon": ((str,), "a string"),
    "mutableContent": ((bool,), "a boolean"),
    "richContent": ((dict,), "of type object"),
}
_CHOICES: Mapping[str, frozenset[str]] = {
    "priority": frozenset({"default", "normal", "high"}),
    "interruptionLevel": frozenset({"active", "critical", "passive", "time-sensitive"}),
}
# What does not travel on to the device.
_NOT_PAYLOAD = frozenset({"to", "ttl", "expiration", "priority", "channelId"})


class UnreadableError(Exception):
    """The request is not of the documented form; the message says how."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one recipient.

    Args:
        token: The recipient.
        message: All other fields.
    """

    token: str = field(repr=False)
    message: Mapping[str, Any] = field(repr=False)

    @property
    def is_well_addressed(self) -> bool:
        """Whether the recipient can be an Expo push token."""
        return _TOKEN.fullmatch(self.token) is not None

    @property
    def is_too_big(self) -> bool:
        """Whether Apple and Google would refuse its size."""
        payload = {key: value for key, value in self.message.items() if key not in _NOT_PAYLOAD}
        if len(payload) == 0:
            return False
        encoded = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        return len(encoded.encode()) > MAX_PAYLOAD


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What was posted, a notification for each recipient in order.

    Args:
        notifications: At least one.
        is_single: Whether it was one message for one recipient, outside of any list.
    """

    notifications: list[Notification]
    is_single: bool


def read_json(request: Request) -> Any:
    """Read the body, unpacking it first where it is gzipped.

    Raises:
        UnreadableError: When it is neither.
    """
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = _unpack(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableError("The request body is not valid JSON.") from None


def read_send_request(request: Request) -> SendRequest:
    """Read a request to send.

    Raises:
        UnreadableError: When it is not of the documented form.
    """
    value = read_json(request)
    messages = value if isinstance(value, list) else [value]
    if not messages:
        raise UnreadableError('"value" must contain at least 1 items.')
    notifications: list[Notification] = []
    for index, message in enumerate(messages):
        where = f"[{index}]" if isinstance(value, list) else ""
        notifications.extend(_read_message(message, where))
    is_single = isinstance(value, dict) and isinstance(value["to"], str)
    return SendRequest(notifications, is_single)


def _read_message(message: Any, where: str) -> list[Notification]:
    if not isinstance(message, dict):
        raise UnreadableError(f'"{where or "value"}" must be of type object.')
    recipients = _read_recipients(message, where)
    for name, value in message.items():
        _check_field(name, value, _name(where, name))
    rest = {name: value for name, value in message.items() if name != "to"}
    return [Notification(recipient, rest) for recipient in recipients]


def _read_recipients(message: Mapping[str, Any], where: str) -> list[str]:
    to = message.get("to")
    name = _name(where, "to")
    if to is None:
        raise UnreadableError(f'"{name}" is required.')
    recipients = to if isinstance(to, list) else [to]
    if not recipients or not all(isinstance(recipient, str) for recipient in recipients):
        raise UnreadableError(f'"{name}" must be a string or an array of strings.')
    return recipients


def _check_field(name: str, value: Any, where: str) -> None:
    if value is None:
        return
    if name in _CHOICES and value not in _CHOICES[name]:
        raise UnreadableError(f'"{where}" must be one of {sorted(_CHOICES[name])}.')
    if name in _TYPES:
        types, wanted = _TYPES[name]
        is_stray_bool = isinstance(value, bool) and bool not in types
        if not isinstance(value, types) or is_stray_bool:
            raise UnreadableError(f'"{where}" must be {wanted}.')


def _name(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _unpack(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY)
    except zlib.error:
        raise UnreadableError("The request body is not valid gzip.") from None
    if not unpacker.eof:
        raise UnreadableError("The request body is too large or cut off.")
    return unpacked
