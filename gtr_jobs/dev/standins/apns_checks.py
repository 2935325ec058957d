"""What APNs checks about a request besides its credentials and its device.

Source: "Sending notification requests to APNs" (Apple developer documentation), table of header
fields and the payload limits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from gtr_jobs.dev.standins import apns_answers as answers
from gtr_jobs.dev.standins.exchange import Request, Respond

MAX_PAYLOAD = 4096
MAX_VOIP_PAYLOAD = 5120
MAX_COLLAPSE_ID = 64

# What a type of push adds to the app's bundle id to make its topic.
TOPIC_SUFFIXES: Mapping[str, str] = {
    "alert": "",
    "background": "",
    "location": ".location-query",
    "voip": ".voip",
    "complication": ".complication",
    "fileprovider": ".pushkit.fileprovider",
    "mdm": "",
    "liveactivity": ".push-type.liveactivity",
    "pushtotalk": ".voip-ptt",
    "widgets": ".push-type.widgets",
    "controls": ".push-type.controls",
}
PRIORITIES = frozenset({"10", "5", "1"})
# A background push at priority 10 is an error.
BACKGROUND_PRIORITIES = frozenset({"5", "1"})

_PREFIX = "/3/device/"
_DEVICE_TOKEN = re.compile(r"(?:[0-9a-f]{2}){32,100}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"\d{1,10}")
_TOPIC = re.compile(r"[A-Za-z0-9.-]+")

Refusal = Callable[[str], Respond]


def find_fault_in_line(request: Request) -> Refusal | None:
    """Check the method and the path."""
    if request.method != "POST":
        return answers.method_not_allowed
    if not request.path.startswith(_PREFIX):
        return answers.bad_path
    return None if len(request.path) > len(_PREFIX) else answers.missing_device_token


def device_token(request: Request) -> str:
    """Give the token out of a path that is in order."""
    return request.path.removeprefix(_PREFIX)


def find_fault(request: Request) -> Refusal | None:
    """Check the headers, the token's shape and the payload, in this order."""
    for check in _CHECKS:
        if (refusal := check(request)) is not None:
            return refusal
    return None


def bundle_id(request: Request) -> str:
    """Give the app that a topic stands for."""
    suffix = TOPIC_SUFFIXES[request.headers.get("apns-push-type", "alert")]
    return request.headers["apns-topic"].removesuffix(suffix)


def _find_repeated_header(request: Request) -> Refusal | None:
    is_repeated = any(name.startswith("apns-") for name in request.repeated)
    return answers.duplicate_headers if is_repeated else None


def _find_bad_id(request: Request) -> Refusal | None:
    apns_id = request.headers.get("apns-id")
    return None if apns_id is None or _UUID.fullmatch(apns_id) else answers.bad_message_id


def _find_bad_expiration(request: Request) -> Refusal | None:
    expiration = request.headers.get("apns-expiration", "0")
    return None if _WHOLE_NUMBER.fullmatch(expiration) else answers.bad_expiration_date


def _find_bad_push_type(request: Request) -> Refusal | None:
    push_type = request.headers.get("apns-push-type", "alert")
    return None if push_type in TOPIC_SUFFIXES else answers.invalid_push_type


def _find_bad_priority(request: Request) -> Refusal | None:
    priority = request.headers.get("apns-priority")
    is_background = request.headers.get("apns-push-type") == "background"
    allowed = BACKGROUND_PRIORITIES if is_background else PRIORITIES
    return None if priority is None or priority in allowed else answers.bad_priority


def _find_bad_collapse_id(request: Request) -> Refusal | None:
    size = len(request.headers.get("apns-collapse-id", "").encode("latin-1"))
    return None if size <= MAX_COLLAPSE_ID else answers.bad_collapse_id


def _find_bad_topic(request: Request) -> Refusal | None:
    topic = request.headers.get("apns-topic")
    if not topic:
        return answers.missing_topic
    return None if _TOPIC.fullmatch(topic) else answers.bad_topic


def _find_malformed_token(request: Request) -> Refusal | None:
    is_token = _DEVICE_TOKEN.fullmatch(device_token(request))
    return None if is_token else answers.bad_device_token


def _find_bad_payload(request: Request) -> Refusal | None:
    is_voip = request.headers.get("apns-push-type") == "voip"
    if len(request.body) > (MAX_VOIP_PAYLOAD if is_voip else MAX_PAYLOAD):
        return answers.payload_too_large
    try:
        payload = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return answers.payload_empty  # Apple has no other word for what is no JSON
    return None if isinstance(payload, dict) and payload else answers.payload_empty


_CHECKS: tuple[Callable[[Request], Refusal | None], ...] = (
    _find_repeated_header,
    _find_bad_id,
    _find_bad_expiration,
    _find_bad_push_type,
    _find_bad_priority,
    _find_bad_collapse_id,
    _find_bad_topic,
    _find_malformed_token,
    _find_bad_payload,
)
