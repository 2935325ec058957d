"""APNs: its answers and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from support.answers import Action, Answer
from support.conformance import RETRY_AFTERS, Case
from support.pushes import NOW, make_push

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

NOT_APNS = "this is not APNs' answer; see GTR_APNS_URL"
CREDENTIALS = "see GTR_APNS_KEY_FILE, GTR_APNS_KEY_ID, GTR_APNS_TEAM_ID and GTR_APNS_TOPIC"


def apns_error(
    status: int, reason: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """Write a refusal as APNs does."""
    return Answer(status, {"reason": reason, **more}, headers or {})


def milliseconds(ago: timedelta) -> int:
    """Write a moment as the `timestamp` of a 410."""
    return int((NOW - ago).timestamp() * 1000)


def _case(name: str, action: Action, outcome: Outcome) -> Case:
    return Case("apns", name, action, outcome)


_REJECTED = (
    (400, "BadCollapseId"),
    (400, "BadExpirationDate"),
    (400, "BadMessageId"),
    (400, "BadPriority"),
    (400, "InvalidPushType"),
    (400, "PayloadEmpty"),
    (400, "DuplicateHeaders"),
    (400, "MissingDeviceToken"),
    (400, "BadDeviceToken"),
    (400, "SomethingNew"),
    (404, "BadPath"),
    (405, "MethodNotAllowed"),
    (413, "PayloadTooLarge"),
)
_MISCONFIGURED = (
    (400, "DeviceTokenNotForTopic", "the tokens belong to another app; see GTR_APNS_TOPIC"),
    (400, "BadTopic", "see GTR_APNS_TOPIC"),
    (400, "MissingTopic", "see GTR_APNS_TOPIC"),
    (
        400,
        "TopicDisallowed",
        "the key may not send to this app; see GTR_APNS_TOPIC, GTR_APNS_TEAM_ID",
    ),
    (403, "ExpiredProviderToken", "this machine's clock may be wrong"),
    (
        403,
        "InvalidProviderToken",
        "see GTR_APNS_KEY_FILE, GTR_APNS_KEY_ID and GTR_APNS_TEAM_ID",
    ),
    (403, "MissingProviderToken", CREDENTIALS),
    (403, "Forbidden", CREDENTIALS),
    (403, "UnrelatedKeyIdInToken", CREDENTIALS),
    (
        403,
        "BadEnvironmentKeyIdInToken",
        "the key is for Apple's other host; see GTR_APNS_ENVIRONMENT",
    ),
    (403, "BadCertificateEnvironment", CREDENTIALS),
)
_LATER = timedelta(hours=1)
_EARLIER = timedelta(days=2)

APNS_CASES: tuple[Case, ...] = (
    _case("200", Answer(200, headers={"apns-id": "echoed"}), Accepted("echoed")),
    _case("200-without-id", Answer(200), Accepted(str(make_push("apns").push_id))),
    *(_case(f"{s}-{r}", apns_error(s, r), Rejected(r)) for s, r in _REJECTED),
    *(_case(f"{s}-{r}", apns_error(s, r), Misconfigured(r, d)) for s, r, d in _MISCONFIGURED),
    _case("400-IdleTimeout", apns_error(400, "IdleTimeout"), Retry("IdleTimeout")),
    _case("404-html", Answer(404, b"<html>"), Misconfigured("http_404", NOT_APNS)),
    _case("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_APNS)),
    _case(
        "410-unregistered-later",
        apns_error(410, "Unregistered", timestamp=milliseconds(_LATER)),
        DeadTarget("Unregistered"),
    ),
    _case(
        "410-expired-later",
        apns_error(410, "ExpiredToken", timestamp=milliseconds(_LATER)),
        DeadTarget("ExpiredToken"),
    ),
    _case(
        "410-registered-again-since",
        apns_error(410, "Unregistered", timestamp=milliseconds(_EARLIER)),
        Retry("Unregistered"),
    ),
    _case(
        "410-at-the-same-moment",
        apns_error(410, "Unregistered", timestamp=milliseconds(timedelta(days=1))),
        Retry("Unregistered"),
    ),
    _case(
        "410-without-timestamp",
        apns_error(410, "Unregistered"),
        Rejected("Unregistered", "no timestamp"),
    ),
    _case(
        "410-timestamp-absurd",
        apns_error(410, "Unregistered", timestamp=10**30),
        Rejected("Unregistered", "no timestamp"),
    ),
    _case("429-device", apns_error(429, "TooManyRequests"), Retry("TooManyRequests", 60.0)),
    _case(
        "429-device-with-pause",
        apns_error(429, "TooManyRequests", {"retry-after": "5"}),
        Retry("TooManyRequests", 5.0),
    ),
    _case(
        "429-tokens",
        apns_error(429, "TooManyProviderTokenUpdates"),
        Throttled("TooManyProviderTokenUpdates", 1200.0),
    ),
    _case("500", apns_error(500, "InternalServerError"), Retry("InternalServerError", 900.0)),
    _case("503", apns_error(503, "ServiceUnavailable"), Retry("ServiceUnavailable", 900.0)),
    _case("503-shutdown", apns_error(503, "Shutdown"), Retry("Shutdown", 900.0)),
    _case(
        "503-with-pause",
        apns_error(503, "ServiceUnavailable", {"retry-after": "1800"}),
        Retry("ServiceUnavailable", 1800.0),
    ),
    _case("502", Answer(502, b"<html>"), Retry("http_502", 60.0)),
    _case("408", Answer(408, b""), Retry("http_408")),
    _case(
        "400-reason-is-no-code",
        apns_error(400, "somebody's words"),
        Misconfigured("http_400", NOT_APNS),
    ),
    # APNs' acceptance is its status; a body is neither promised nor looked at.
    _case("200-too-large", Answer(200, b"x" * 10_000_000), Ambiguous("answer_too_large")),
    _case("204", Answer(204), Ambiguous("http_204")),
    _case(
        "400-truncated-json",
        Answer(400, b'{"reason": "BadDev'),
        Misconfigured("http_400", NOT_APNS),
    ),
    _case("400-wrong-charset", Answer(400, b"\xff\xfe{\x00"), Misconfigured("http_400", NOT_APNS)),
    _case(
        "400-gzip",
        Answer(400, b"\x1f\x8b\x08bomb", {"content-encoding": "gzip"}),
        Misconfigured("http_400", NOT_APNS),
    ),
    *(
        _case(
            f"429-device-{name}",
            apns_error(429, "TooManyRequests", {"retry-after": value}),
            Retry("TooManyRequests", 60.0 if seconds is None else seconds),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
    *(
        _case(
            f"503-{name}",
            apns_error(503, "ServiceUnavailable", {"retry-after": value}),
            Retry("ServiceUnavailable", max(900.0, seconds or 0.0)),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
)
