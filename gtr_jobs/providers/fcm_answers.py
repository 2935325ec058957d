"""What FCM's answers mean.

The error code of FCM's own error detail decides, then the status in words, then the HTTP status:
a 404 without it is a wrong project, a 403 without it an API that is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
)
from gtr_jobs.domain.retry_after import parse_retry_after
from gtr_jobs.providers.answers import (
    clean_code,
    mapping_at,
    objects_at,
    read_json_object,
    text_at,
)
from gtr_jobs.providers.exchange import Answered

# Codes that say either that a token is another sender's or that our project is the wrong one.
SENDER_MISMATCH = "SENDER_ID_MISMATCH"
# Our spelling: FCM says INVALID_ARGUMENT both of a token and of a message.
INVALID_TOKEN = "INVALID_REGISTRATION_TOKEN"  # noqa: S105 - a code, no password

# "Never less than ten seconds" after a fault, and a minute after a quota that names no pause.
_SHORTEST_RETRY = 10.0
_QUOTA_PAUSE = 60.0
WRONG_PROJECT = "the tokens belong to another Firebase project than GTR_FCM_CREDENTIALS_FILE"

_WHERE_TO_LOOK = {
    "THIRD_PARTY_AUTH_ERROR": "Firebase holds no valid key for Apple or for the web",
    SENDER_MISMATCH: WRONG_PROJECT,
}
_WHERE_TO_LOOK_BY_STATUS = {
    401: "Firebase refuses the key of GTR_FCM_CREDENTIALS_FILE",
    403: "the FCM API is off, or the key of GTR_FCM_CREDENTIALS_FILE may not use it",
    404: "no such Firebase project; see project_id in GTR_FCM_CREDENTIALS_FILE",
}


def reads_as_expired_login(answered: Answered) -> bool:
    """Tell whether FCM refuses the access token, as against Apple's or the web's credentials."""
    return answered.status == 401 and _error(answered)[0] != "THIRD_PARTY_AUTH_ERROR"


def classify_fcm_answer(answered: Answered, now: datetime) -> Outcome:
    """Say how an attempt ended that FCM answered."""
    status = answered.status
    if status == 200:
        name = text_at(read_json_object(answered.body), "name")
        return Accepted(name) if name else Ambiguous("answer_unreadable")
    code, error = _error(answered)
    pause = parse_retry_after(answered.headers.get("retry-after"), now)
    if status == 429:
        return _classify_quota(code, error, _QUOTA_PAUSE if pause is None else pause)
    if status >= 500 or status == 408:
        return Retry(code, max(_SHORTEST_RETRY, pause or 0.0))
    if status < 300:
        return Ambiguous(code)
    return _classify_refusal(status, code, error)


def _classify_refusal(status: int, code: str, error: Mapping[str, Any]) -> Outcome:
    if status == 400:
        return _classify_bad_request(code, error)
    if status == 413:
        return Rejected(code, "the message is too large")
    if code == "UNREGISTERED":
        return DeadTarget(code)
    detail = _WHERE_TO_LOOK.get(code) or _WHERE_TO_LOOK_BY_STATUS.get(status)
    return Misconfigured(code, detail or "this is not FCM's answer; see GTR_FCM_URL")


def _classify_bad_request(code: str, error: Mapping[str, Any]) -> Outcome:
    fields = [
        text_at(violation, "field")
        for detail in objects_at(error, "details")
        for violation in objects_at(detail, "fieldViolations")
    ]
    says_token = "registration token is not a valid" in text_at(error, "message")
    if says_token or any(field in {"message.token", "message.fid"} for field in fields):
        return Rejected(INVALID_TOKEN)
    # A field's name is ours to see; its value, which FCM may quote, is not.
    named = [clean_code(field.replace("[", ".").replace("]", ""), "?") for field in fields[:5]]
    return Rejected(code, ", ".join(named))


def _classify_quota(code: str, error: Mapping[str, Any], pause: float) -> Outcome:
    """Tell a device that gets too many from a project that sends too many."""
    blamed = " ".join(
        text_at(violation, "subject") + " " + text_at(violation, "description")
        for detail in objects_at(error, "details")
        for violation in objects_at(detail, "violations")
    )
    if "device" in blamed.lower():
        return Retry(code, pause)
    return Throttled(code, pause)


def _error(answered: Answered) -> tuple[str, Mapping[str, Any]]:
    """Give the code that decides, and the whole error."""
    error = mapping_at(read_json_object(answered.body), "error")
    for detail in objects_at(error, "details"):
        if text_at(detail, "@type").endswith("google.firebase.fcm.v1.FcmError"):
            code = clean_code(detail.get("errorCode"), "")
            if code:
                return code, error
    return clean_code(error.get("status"), f"http_{answered.status}"), error
