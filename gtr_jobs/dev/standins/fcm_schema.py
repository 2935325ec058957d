"""The request of FCM v1's projects.messages.send, field by field.

Source: the API's discovery document (fcm v1, schemas SendMessageRequest and below), plus `fid`,
which replaces `token`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gtr_jobs.dev.standins.proto_json import (
    Violation,
    enum,
    mapping,
    message,
    read_bool,
    read_duration,
    read_int32,
    read_number,
    read_struct,
    read_text,
    read_timestamp,
    repeated,
)

# The fields of which exactly one says where the message goes.
TARGETS = ("token", "fid", "topic", "condition")

_PACKAGE = "google.firebase.fcm.v1"

_NOTIFICATION = message({"title": read_text, "body": read_text, "image": read_text})

_COLOR = message(
    {"red": read_number, "green": read_number, "blue": read_number, "alpha": read_number}
)

_LIGHT_SETTINGS = message(
    {"color": _COLOR, "light_on_duration": read_duration, "light_off_duration": read_duration}
)

_ANDROID_NOTIFICATION = message(
    {
        "title": read_text,
        "body": read_text,
        "icon": read_text,
        "color": read_text,
        "sound": read_text,
        "tag": read_text,
        "click_action": read_text,
        "body_loc_key": read_text,
        "body_loc_args": repeated(read_text),
        "title_loc_key": read_text,
        "title_loc_args": repeated(read_text),
        "channel_id": read_text,
        "ticker": read_text,
        "sticky": read_bool,
        "event_time": read_timestamp,
        "local_only": read_bool,
        "notification_priority": enum(
            f"{_PACKAGE}.AndroidNotification.NotificationPriority",
            (
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX",
            ),
        ),
        "default_sound": read_bool,
        "default_vibrate_timings": read_bool,
        "default_light_settings": read_bool,
        "vibrate_timings": repeated(read_duration),
        "visibility": enum(
            f"{_PACKAGE}.AndroidNotification.Visibility",
            ("VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
        ),
        "notification_count": read_int32,
        "light_settings": _LIGHT_SETTINGS,
        "image": read_text,
        "bypass_proxy_notification": read_bool,
        "proxy": enum(
            f"{_PACKAGE}.AndroidNotification.Proxy",
            ("PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
        ),
    }
)

_ANDROID = message(
    {
        "collapse_key": read_text,
        "priority": enum(f"{_PACKAGE}.AndroidConfig.AndroidMessagePriority", ("NORMAL", "HIGH")),
        "ttl": read_duration,
        "restricted_package_name": read_text,
        "data": mapping(read_text),
        "notification": _ANDROID_NOTIFICATION,
        "fcm_options": message({"analytics_label": read_text}),
        "direct_boot_ok": read_bool,
        "bandwidth_constrained_ok": read_bool,
        "restricted_satellite_ok": read_bool,
    }
)

_WEBPUSH = message(
    {
        "headers": mapping(read_text),
        "data": mapping(read_text),
        "notification": read_struct,
        "fcm_options": message({"link": read_text, "analytics_label": read_text}),
    }
)

_APNS = message(
    {
        "headers": mapping(read_text),
        "payload": read_struct,
        "fcm_options": message({"analytics_label": read_text, "image": read_text}),
        "live_activity_token": read_text,
    }
)

_MESSAGE = message(
    {
        "name": read_text,
        "data": mapping(read_text),
        "notification": _NOTIFICATION,
        "android": _ANDROID,
        "webpush": _WEBPUSH,
        "apns": _APNS,
        "fcm_options": message({"analytics_label": read_text}),
        **dict.fromkeys(TARGETS, read_text),
    }
)

_SEND_REQUEST = message({"validate_only": read_bool, "message": _MESSAGE})

NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_send_request(value: Any) -> tuple[dict[str, Any], list[Violation]]:
    """Read the body of a request.

    Returns:
        The request with all names in snake_case, and what is wrong with it.
    """
    violations: list[Violation] = []
    request: dict[str, Any] = _SEND_REQUEST(value, "", violations)
    if not violations:
        violations.extend(_several_targets(request.get("message", NOTHING)))
    return request, violations


def _several_targets(sent: Mapping[str, Any]) -> list[Violation]:
    first, *others = [name for name in TARGETS if name in sent] or [""]
    return [
        Violation(
            "message",
            f"Invalid value at 'message' (oneof), oneof field 'target' is already set by '{first}'."
            f" Cannot set '{other}'",
        )
        for other in others
    ]
