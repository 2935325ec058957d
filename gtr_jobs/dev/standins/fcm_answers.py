"""FCM's answers, one function each, in the shape of Google's API errors (google.rpc.Status)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gtr_jobs.dev.standins.exchange import Respond, respond_json
from gtr_jobs.dev.standins.proto_json import Violation

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"

# google.rpc.Code by HTTP status, as google/rpc/code.proto maps them.
STATUS_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}

# What FCM says with each errorCode (enum google.firebase.fcm.v1.ErrorCode).
MESSAGES: Mapping[str, str] = {
    "INVALID_ARGUMENT": "Request contains an invalid argument.",
    "UNREGISTERED": "Requested entity was not found.",
    "SENDER_ID_MISMATCH": "SenderId mismatch",
    "QUOTA_EXCEEDED": "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'.",
    "UNAVAILABLE": "The service is currently unavailable.",
    "INTERNAL": "Internal error encountered.",
    "THIRD_PARTY_AUTH_ERROR": "Auth error from APNS or Web Push Service",
}

_SEND_METHOD = {
    "method": "google.firebase.fcm.v1.FcmService.SendMessage",
    "service": "fcm.googleapis.com",
}
_SIGN_IN = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


def accepted(name: str) -> Respond:
    """200: the message was taken."""
    return respond_json(200, {"name": name})


def unregistered() -> Respond:
    """404: the app is not on that device any more."""
    return fcm_error(404, "UNREGISTERED")


def sender_id_mismatch() -> Respond:
    """403: the token belongs to another project."""
    return fcm_error(403, "SENDER_ID_MISMATCH")


def malformed_token() -> Respond:
    """400: what was given as a token cannot be one; the message itself may be fine."""
    return fcm_error(
        400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"
    )


def bad_message(field: str, description: str) -> Respond:
    """400: FCM's own check of the message failed."""
    violation = {"field": field, "description": description}
    return google_error(
        400,
        description,
        [
            {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
            {"@type": BAD_REQUEST, "fieldViolations": [violation]},
        ],
    )


def bad_json(violations: Sequence[Violation]) -> Respond:
    """400: the front end could not read the request, so that FCM never saw it."""
    found = [
        {"field": each.field, "description": each.description}
        if each.field
        else {"description": each.description}
        for each in violations
    ]
    message = "\n".join(each.description for each in violations)
    return google_error(400, message, [{"@type": BAD_REQUEST, "fieldViolations": found}])


def credentials_missing() -> Respond:
    """401: no bearer token was sent."""
    message = f"Request is missing required authentication credential. {_SIGN_IN}"
    return google_error(401, message, [_info("CREDENTIALS_MISSING")])


def credentials_invalid() -> Respond:
    """401: Google never issued that token."""
    message = f"Request had invalid authentication credentials. {_SIGN_IN}"
    return google_error(401, message, [_info("ACCESS_TOKEN_TYPE_UNSUPPORTED")])


def credentials_expired() -> Respond:
    """401: the token was good once."""
    message = f"Request had invalid authentication credentials. {_SIGN_IN}"
    return google_error(401, message, [_info("ACCESS_TOKEN_EXPIRED")])


def scope_insufficient() -> Respond:
    """403: the token was issued for something else than messaging."""
    message = "Request had insufficient authentication scopes."
    return google_error(403, message, [_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT")])


def permission_denied(project: str) -> Respond:
    """403: the project exists, and the service account is not of it."""
    permission = "cloudmessaging.messages.create"
    resource = f"projects/{project}"
    message = (
        f"Permission '{permission}' denied on resource "
        f"'//cloudresourcemanager.googleapis.com/{resource}' (or it may not exist)."
    )
    info = {
        "@type": ERROR_INFO,
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "cloudresourcemanager.googleapis.com",
        "metadata": {"resource": resource, "permission": permission},
    }
    return google_error(403, message, [info])


def project_not_found() -> Respond:
    """404 without an FcmError: there is no such project."""
    return google_error(404, "Requested entity was not found.")


def unknown_path() -> Respond:
    """404 from the web server before any API: HTML, not JSON."""
    body = b"<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>"
    return Respond(404, body, {"content-type": "text/html; charset=UTF-8"})


def fcm_error(
    status: int,
    code: str,
    message: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Respond:
    """Make an error with an FcmError detail.

    Args:
        status: The HTTP status.
        code: The errorCode.
        message: FCM's usual words by default.
        headers: To add to the answer.
        details: To add to the FcmError.
    """
    detail = {"@type": FCM_ERROR, "errorCode": code, **(details or {})}
    return google_error(status, message or MESSAGES.get(code, code), [detail], headers)


def google_error(
    status: int,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Respond:
    """Make an error of any Google API."""
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "status": STATUS_NAMES.get(status, "UNKNOWN"),
    }
    if details:
        error["details"] = list(details)
    return respond_json(status, {"error": error}, headers)


def _info(reason: str) -> dict[str, Any]:
    return {
        "@type": ERROR_INFO,
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": _SEND_METHOD,
    }
