"""APNs' answers, one function each: a status and `{"reason": ...}`.

Source: "Handling notification responses from APNs" (Apple developer documentation).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gtr_jobs.dev.standins.exchange import Respond, respond_json


def accepted(apns_id: str) -> Respond:
    """200, with an empty body: the message was taken."""
    return Respond(200, b"", {"apns-id": apns_id})


def unregistered(apns_id: str, since_ms: int) -> Respond:
    """410: the app is not on that device any more, and since when."""
    return refused(410, "Unregistered", apns_id, {"timestamp": since_ms})


def bad_device_token(apns_id: str) -> Respond:
    """400: the token cannot be one, or is one of the other environment."""
    return refused(400, "BadDeviceToken", apns_id)


def device_token_not_for_topic(apns_id: str) -> Respond:
    """400: the token belongs to another app."""
    return refused(400, "DeviceTokenNotForTopic", apns_id)


def missing_device_token(apns_id: str) -> Respond:
    """400: the path ends where the token should begin."""
    return refused(400, "MissingDeviceToken", apns_id)


def bad_path(apns_id: str) -> Respond:
    """404: the path is not that of a device."""
    return refused(404, "BadPath", apns_id)


def method_not_allowed(apns_id: str) -> Respond:
    """405: not a POST."""
    return refused(405, "MethodNotAllowed", apns_id)


def duplicate_headers(apns_id: str) -> Respond:
    """400: a header was repeated."""
    return refused(400, "DuplicateHeaders", apns_id)


def bad_message_id(apns_id: str) -> Respond:
    """400: `apns-id` is no UUID."""
    return refused(400, "BadMessageId", apns_id)


def bad_expiration_date(apns_id: str) -> Respond:
    """400: `apns-expiration` is no number."""
    return refused(400, "BadExpirationDate", apns_id)


def bad_priority(apns_id: str) -> Respond:
    """400: `apns-priority` is none that exists, or not one for this type of push."""
    return refused(400, "BadPriority", apns_id)


def bad_collapse_id(apns_id: str) -> Respond:
    """400: `apns-collapse-id` is too long."""
    return refused(400, "BadCollapseId", apns_id)


def invalid_push_type(apns_id: str) -> Respond:
    """400: `apns-push-type` is none that exists."""
    return refused(400, "InvalidPushType", apns_id)


def missing_topic(apns_id: str) -> Respond:
    """400: `apns-topic` is required with a provider token."""
    return refused(400, "MissingTopic", apns_id)


def bad_topic(apns_id: str) -> Respond:
    """400: `apns-topic` cannot be the name of an app."""
    return refused(400, "BadTopic", apns_id)


def topic_disallowed(apns_id: str) -> Respond:
    """400: the team has no such app."""
    return refused(400, "TopicDisallowed", apns_id)


def payload_empty(apns_id: str) -> Respond:
    """400: there is nothing to send."""
    return refused(400, "PayloadEmpty", apns_id)


def payload_too_large(apns_id: str) -> Respond:
    """413: the body is larger than its type of push may be."""
    return refused(413, "PayloadTooLarge", apns_id)


def missing_provider_token(apns_id: str) -> Respond:
    """403: no `authorization: bearer ...`."""
    return refused(403, "MissingProviderToken", apns_id)


def invalid_provider_token(apns_id: str) -> Respond:
    """403: the token is not signed by a key of the team, or the connection is another team's."""
    return refused(403, "InvalidProviderToken", apns_id)


def expired_provider_token(apns_id: str) -> Respond:
    """403: the token was issued more than an hour ago."""
    return refused(403, "ExpiredProviderToken", apns_id)


def too_many_provider_token_updates(apns_id: str) -> Respond:
    """429: tokens change more often than every 20 minutes."""
    return refused(429, "TooManyProviderTokenUpdates", apns_id)


def refused(
    status: int,
    reason: str,
    apns_id: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Respond:
    """Make any refusal.

    Args:
        status: The HTTP status.
        reason: Apple's word for it.
        apns_id: Names the message.
        details: To add to the body.
        headers: To add to the answer.
    """
    return respond_json(
        status, {"reason": reason, **(details or {})}, {"apns-id": apns_id, **(headers or {})}
    )
