"""FCM HTTP v1: its answers and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from support.answers import Action, Answer
from support.conformance import RETRY_AFTERS, Case

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

_GOOGLE = "type.googleapis.com/"
NOT_FCM = "this is not FCM's answer; see GTR_FCM_URL"
WRONG_PROJECT = "the tokens belong to another Firebase project than GTR_FCM_CREDENTIALS_FILE"


def fcm_error(
    http_status: int,
    status: str,
    code: str = "",
    *,
    message: str = "Refused.",
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Write an error as FCM does.

    Args:
        http_status: HTTP status.
        status: The status in words.
        code: FCM's own error code, where it gives one.
        message: For humans.
        details: Beside FCM's own.
        headers: Of the answer.
    """
    own = [{"@type": f"{_GOOGLE}google.firebase.fcm.v1.FcmError", "errorCode": code}]
    error = {
        "code": http_status,
        "message": message,
        "status": status,
        "details": [*(own if code else []), *details],
    }
    return Answer(http_status, {"error": error}, headers or {})


def bad_field(field: str) -> Mapping[str, Any]:
    """Write the detail that names a field; what it says of its value must go nowhere."""
    violation = {"field": field, "description": "Invalid value: 'secret words'"}
    return {"@type": f"{_GOOGLE}google.rpc.BadRequest", "fieldViolations": [violation]}


def quota(subject: str) -> Mapping[str, Any]:
    """Write the detail that says whose quota is used up."""
    return {"@type": f"{_GOOGLE}google.rpc.QuotaFailure", "violations": [{"subject": subject}]}


def _case(name: str, action: Action, outcome: Outcome) -> Case:
    return Case("fcm", name, action, outcome)


_INVALID_TOKEN = fcm_error(
    400,
    "INVALID_ARGUMENT",
    "INVALID_ARGUMENT",
    message="The registration token is not a valid FCM registration token",
)

UNREADABLE = Ambiguous("answer_unreadable")

FCM_CASES: tuple[Case, ...] = (
    _case(
        "200",
        Answer(200, {"name": "projects/gtr-test/messages/1"}),
        Accepted("projects/gtr-test/messages/1"),
    ),
    _case("200-without-name", Answer(200, {}), Ambiguous("answer_unreadable")),
    _case("200-not-json", Answer(200, b"<html>"), Ambiguous("answer_unreadable")),
    _case("204", Answer(204), Ambiguous("http_204")),
    _case(
        "400-bad-field",
        fcm_error(
            400,
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            details=[bad_field("message.data[0].value"), bad_field("message.android.ttl")],
        ),
        Rejected("INVALID_ARGUMENT", "message.data.0.value, message.android.ttl"),
    ),
    _case("400-invalid-token", _INVALID_TOKEN, Rejected("INVALID_REGISTRATION_TOKEN")),
    _case(
        "400-invalid-token-field",
        fcm_error(400, "INVALID_ARGUMENT", details=[bad_field("message.token")]),
        Rejected("INVALID_REGISTRATION_TOKEN"),
    ),
    _case("400-html", Answer(400, b"<html>"), Rejected("http_400")),
    _case(
        "401-third-party",
        fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        Misconfigured(
            "THIRD_PARTY_AUTH_ERROR", "Firebase holds no valid key for Apple or for the web"
        ),
    ),
    _case(
        "401-after-renewal",
        fcm_error(401, "UNAUTHENTICATED"),
        Misconfigured("UNAUTHENTICATED", "Firebase refuses the key of GTR_FCM_CREDENTIALS_FILE"),
    ),
    _case(
        "403-sender-mismatch",
        fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        Misconfigured("SENDER_ID_MISMATCH", WRONG_PROJECT),
    ),
    _case(
        "403-api-off",
        fcm_error(403, "PERMISSION_DENIED"),
        Misconfigured(
            "PERMISSION_DENIED",
            "the FCM API is off, or the key of GTR_FCM_CREDENTIALS_FILE may not use it",
        ),
    ),
    _case(
        "404-unregistered", fcm_error(404, "NOT_FOUND", "UNREGISTERED"), DeadTarget("UNREGISTERED")
    ),
    _case(
        "404-wrong-project",
        fcm_error(404, "NOT_FOUND"),
        Misconfigured(
            "NOT_FOUND", "no such Firebase project; see project_id in GTR_FCM_CREDENTIALS_FILE"
        ),
    ),
    _case("413", Answer(413, b""), Rejected("http_413", "the message is too large")),
    _case("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_FCM)),
    _case("405", Answer(405, b""), Misconfigured("http_405", NOT_FCM)),
    _case(
        "429-with-pause",
        fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", headers={"retry-after": "7"}),
        Throttled("QUOTA_EXCEEDED", 7.0),
    ),
    _case(
        "429-without-pause",
        fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        Throttled("QUOTA_EXCEEDED", 60.0),
    ),
    _case(
        "429-device",
        fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", details=[quota("device:messages")]),
        Retry("QUOTA_EXCEEDED", 60.0),
    ),
    _case("429-html", Answer(429, b"<html>"), Throttled("http_429", 60.0)),
    _case("408", Answer(408, b""), Retry("http_408", 10.0)),
    _case("500", fcm_error(500, "INTERNAL", "INTERNAL"), Retry("INTERNAL", 10.0)),
    _case("502", Answer(502, b"<html>"), Retry("http_502", 10.0)),
    _case("503", fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), Retry("UNAVAILABLE", 10.0)),
    _case(
        "503-with-pause",
        fcm_error(503, "UNAVAILABLE", "UNAVAILABLE", headers={"retry-after": "120"}),
        Retry("UNAVAILABLE", 120.0),
    ),
    _case(
        "503-with-short-pause",
        fcm_error(503, "UNAVAILABLE", "UNAVAILABLE", headers={"retry-after": "1"}),
        Retry("UNAVAILABLE", 10.0),
    ),
    _case(
        "500-code-is-no-code",
        fcm_error(500, "somebody's words", "INTERNAL ERROR: words"),
        Retry("http_500", 10.0),
    ),
    *(
        _case(name, action, outcome)
        for name, action, outcome in (
            ("200-truncated-json", Answer(200, b'{"name": "proj'), UNREADABLE),
            ("200-empty", Answer(200, b""), UNREADABLE),
            ("200-wrong-charset", Answer(200, '{"name": "ü"}'.encode("utf-16")[:-1]), UNREADABLE),
            ("200-nul-bytes", Answer(200, b"\x00" * 64), UNREADABLE),
            ("200-deep-json", Answer(200, b"[" * 200_000), UNREADABLE),
            (
                "200-gzip",
                Answer(200, b"\x1f\x8b\x08bomb", {"content-encoding": "gzip"}),
                UNREADABLE,
            ),
            ("200-too-large", Answer(200, b"x" * 10_000_000), Ambiguous("answer_too_large")),
        )
    ),
    *(
        _case(
            f"429-{name}",
            fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", headers={"retry-after": value}),
            Throttled("QUOTA_EXCEEDED", 60.0 if seconds is None else seconds),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
    *(
        _case(
            f"503-{name}",
            fcm_error(503, "UNAVAILABLE", "UNAVAILABLE", headers={"retry-after": value}),
            Retry("UNAVAILABLE", max(10.0, seconds or 0.0)),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
)
