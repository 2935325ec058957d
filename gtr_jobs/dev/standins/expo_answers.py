"""Expo's answers, tickets and receipts, one function each.

Source: "Send notifications with the Expo Push Service" (docs.expo.dev); the wording of messages as
reported in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gtr_jobs.dev.standins.exchange import Respond, respond_json

Ticket = dict[str, Any]
Receipt = dict[str, Any]

MAX_NOTIFICATIONS = 100
MAX_RECEIPTS = 1000
THROTTLED = 429

# What Expo says of one notification, by the `error` in its details.
MESSAGES: Mapping[str, str] = {
    "DeviceNotRegistered": "The recipient device is not registered.",
    "MessageTooBig": "The total notification payload was too large.",
    "MessageRateExceeded": "Messages are sent too frequently to the given device.",
    "MismatchSenderId": "The FCM credentials belong to another sender.",
    "InvalidCredentials": "The push notification credentials are invalid.",
    "DeveloperError": "The notification could not be sent as it is.",
    "ExpoError": "An unknown error occurred.",
    "ProviderError": "The provider failed to take the notification.",
}


def ticket_ok(ticket_id: str) -> Ticket:
    """Make the ticket of a notification that was taken."""
    return {"status": "ok", "id": ticket_id}


def ticket_unregistered(token: str) -> Ticket:
    """Make the ticket of a device that has no such app any more."""
    message = f'"{token}" is not a registered push notification recipient'
    return ticket_error("DeviceNotRegistered", token, message)


def ticket_malformed(token: str) -> Ticket:
    """Make the ticket of something that cannot be a token."""
    message = f'"{token}" is not a valid Expo push token'
    return ticket_error("DeviceNotRegistered", token, message)


def ticket_error(error: str, token: str, message: str = "") -> Ticket:
    """Make the ticket of a notification that was not taken."""
    return {
        "status": "error",
        "message": message or MESSAGES.get(error, error),
        "details": {"error": error, "expoPushToken": token},
    }


def receipt_ok() -> Receipt:
    """Make the receipt of a notification that Apple or Google took."""
    return {"status": "ok"}


def receipt_error(error: str) -> Receipt:
    """Make the receipt of a notification that neither took."""
    return {
        "status": "error",
        "message": MESSAGES.get(error, error),
        "details": {"error": error},
    }


def tickets(found: Sequence[Ticket], *, is_single: bool) -> Respond:
    """200: one ticket for each recipient, in order; a lone one stands without a list."""
    return respond_json(200, {"data": found[0] if is_single else list(found)})


def receipts(found: Mapping[str, Receipt]) -> Respond:
    """200: what is known; an unknown id is left out."""
    return respond_json(200, {"data": dict(found)})


def not_found() -> Respond:
    """404: no such path."""
    return request_error(404, "NOT_FOUND", "Not found.")


def invalid(message: str) -> Respond:
    """400: the request is not of the documented form."""
    return request_error(400, "VALIDATION_ERROR", message)


def too_many_notifications(count: int) -> Respond:
    """400: more than 100 recipients."""
    return request_error(
        400,
        "PUSH_TOO_MANY_NOTIFICATIONS",
        f"You can send a maximum of {MAX_NOTIFICATIONS} notifications per request "
        f"(received {count}); divide your requests.",
    )


def too_many_receipts(count: int) -> Respond:
    """400: more than 1000 ids."""
    return request_error(
        400,
        "PUSH_TOO_MANY_RECEIPTS",
        f"You can get a maximum of {MAX_RECEIPTS} receipts per request (received {count}).",
    )


def too_many_experiences(tokens: Mapping[str, Sequence[str]]) -> Respond:
    """400: the recipients are of several projects; says which are of which."""
    return request_error(
        400,
        "PUSH_TOO_MANY_EXPERIENCE_IDS",
        "All push notification messages in the same request must be for the same project; "
        "check the details field to investigate conflicting tokens.",
        details={experience: list(found) for experience, found in tokens.items()},
    )


def unauthorized(experience: str) -> Respond:
    """403: enhanced push security is on, and the access token is missing or wrong."""
    return request_error(
        403, "UNAUTHORIZED", f"Insufficient permissions to send push notifications to {experience}."
    )


def too_many_requests(limit: int) -> Respond:
    """429: more notifications in a second than a project may send; none of these was taken."""
    return request_error(
        THROTTLED,
        "TOO_MANY_REQUESTS",
        f"Exceeded {limit} notifications per second, please try again.",
    )


def request_error(
    status: int,
    code: str,
    message: str = "",
    *,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Respond:
    """Make an error that concerns the whole request."""
    error: dict[str, Any] = {
        "code": code,
        "message": message or code,
        "isTransient": status == THROTTLED or status >= 500,
    }
    if details:
        error["details"] = dict(details)
    return respond_json(status, {"errors": [error]}, headers)
