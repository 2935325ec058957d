"""What APNs' answers mean: the reason in the body decides, and the status where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.retry_after import parse_retry_after
from gtr_jobs.providers.answers import clean_code, read_json_object
from gtr_jobs.providers.exchange import Answered

BAD_TOKEN = "BadDeviceToken"  # noqa: S105 - a code, no password
OTHER_TOPIC = "DeviceTokenNotForTopic"
OTHER_ENVIRONMENT = "BadEnvironmentKeyIdInToken"

# Where many get a code, or one that can only be ours: the setting to look at.
SETTINGS = {
    BAD_TOKEN: "the tokens belong to Apple's other host; see GTR_APNS_ENVIRONMENT",
    OTHER_TOPIC: "the tokens belong to another app; see GTR_APNS_TOPIC",
    "BadTopic": "see GTR_APNS_TOPIC",
    "MissingTopic": "see GTR_APNS_TOPIC",
    "TopicDisallowed": "the key may not send to this app; see GTR_APNS_TOPIC, GTR_APNS_TEAM_ID",
    "ExpiredProviderToken": "this machine's clock may be wrong",
    "InvalidProviderToken": "see GTR_APNS_KEY_FILE, GTR_APNS_KEY_ID and GTR_APNS_TEAM_ID",
    OTHER_ENVIRONMENT: "the key is for Apple's other host; see GTR_APNS_ENVIRONMENT",
}
_ANY_CREDENTIAL = "see GTR_APNS_KEY_FILE, GTR_APNS_KEY_ID, GTR_APNS_TEAM_ID and GTR_APNS_TOPIC"

# After these, the connection is of no more use.
NEEDS_NEW_CONNECTION = frozenset({"IdleTimeout", "Shutdown", "UnrelatedKeyIdInToken"})

# Apple: after a server's fault wait 15 minutes; sign anew after 20 minutes at the earliest.
_FAULT_PAUSE = 15 * 60.0
_SIGNING_PAUSE = 20 * 60.0
_DEVICE_PAUSE = 60.0
_GATEWAY_PAUSE = 60.0


def read_reason(answered: Answered) -> str:
    """Give the reason of a refusal; in our words where APNs gives none."""
    reason = read_json_object(answered.body).get("reason")
    return clean_code(reason, f"http_{answered.status}")


def classify_apns_answer(answered: Answered, push: Push, now: datetime) -> Outcome:
    """Say how an attempt ended that APNs answered.

    Args:
        answered: The answer.
        push: What was sent.
        now: What a date in `Retry-After` is compared with.
    """
    status = answered.status
    if status == 200:
        return Accepted(answered.headers.get("apns-id") or str(push.push_id))
    reason = read_reason(answered)
    if status < 300:
        return Ambiguous(reason)
    if status == 410:
        return _classify_gone(reason, read_json_object(answered.body), push)
    if status in {408, 429} or status >= 500 or reason == "IdleTimeout":
        pause = parse_retry_after(answered.headers.get("retry-after"), now)
        return _classify_passing(status, reason, pause)
    return _classify_refusal(status, reason)


def _classify_refusal(status: int, reason: str) -> Outcome:
    if reason in SETTINGS and reason != BAD_TOKEN:
        return Misconfigured(reason, SETTINGS[reason])
    if status == 403:
        return Misconfigured(reason, _ANY_CREDENTIAL)
    if status == 413 or (status in {400, 404, 405} and not reason.startswith("http_")):
        return Rejected(reason)
    return Misconfigured(reason, "this is not APNs' answer; see GTR_APNS_URL")


def _classify_passing(status: int, reason: str, pause: float | None) -> Outcome:
    if reason == "TooManyProviderTokenUpdates":
        return Throttled(reason, _SIGNING_PAUSE if pause is None else pause)
    if status == 429:
        # One device is sent too many; the others may go on.
        return Retry(reason, _DEVICE_PAUSE if pause is None else pause)
    if status in {500, 503}:
        return Retry(reason, max(_FAULT_PAUSE, pause or 0.0))
    return Retry(reason, _GATEWAY_PAUSE if status >= 500 else None)


def _classify_gone(reason: str, body: Mapping[str, Any], push: Push) -> Outcome:
    """Tell a device that is gone from one that has come back.

    APNs says since when it knows the token to be dead. An app that registered it later is there
    again, with the same token, and APNs is about to notice: the push is tried again and the device
    stays. Without that time nothing can be compared: the push is lost, the device stays.
    """
    timestamp = body.get("timestamp")
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return Rejected(reason, "no timestamp")
    try:
        dead_since = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=timestamp)
    except (OverflowError, ValueError):
        return Rejected(reason, "no timestamp")
    return DeadTarget(reason) if dead_since > push.target.registered_at else Retry(reason)
