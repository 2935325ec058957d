"""Expo's push service: its answers and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
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

NOT_EXPO = "this is not Expo's answer; see GTR_EXPO_URL"
ACCESS_TOKEN = "see GTR_EXPO_ACCESS_TOKEN"
CREDENTIALS = "the Expo project's credentials for FCM or APNs"


def expo_error(
    status: int, code: str, details: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Write an error of a whole request as Expo does."""
    error = {"code": code, "message": "No.", "isTransient": False}
    if details is not None:
        error["details"] = details
    return Answer(status, {"errors": [error]}, headers or {})


def tickets(*items: Any) -> Answer:
    """Answer with tickets."""
    return Answer(200, {"data": [*items]})


def refused(code: str) -> Mapping[str, Any]:
    """Write the ticket of a message that was refused."""
    token = "ExponentPushToken[device0000]"
    return {
        "status": "error",
        "message": f"{token} is refused",
        "details": {"error": code, "expoPushToken": token},
    }


def _case(name: str, action: Action, outcome: Outcome) -> Case:
    return Case("expo", name, action, outcome)


UNREADABLE = Ambiguous("ticket_count")

EXPO_CASES: tuple[Case, ...] = (
    _case("ticket", tickets({"status": "ok", "id": "T1"}), Accepted("T1")),
    _case("ticket-without-id", tickets({"status": "ok"}), Ambiguous("ticket_unreadable")),
    _case("ticket-strange", tickets("ok"), Ambiguous("ticket_unreadable")),
    _case("tickets-too-many", tickets({"status": "ok", "id": "T1"}, {}), Ambiguous("ticket_count")),
    _case("tickets-too-few", tickets(), Ambiguous("ticket_count")),
    _case("200-not-json", Answer(200, b"<html>"), Ambiguous("ticket_count")),
    _case("204", Answer(204), Ambiguous("http_204")),
    _case(
        "unregistered", tickets(refused("DeviceNotRegistered")), DeadTarget("DeviceNotRegistered")
    ),
    _case("too-big", tickets(refused("MessageTooBig")), Rejected("MessageTooBig")),
    _case(
        "rate-exceeded",
        tickets(refused("MessageRateExceeded")),
        Retry("MessageRateExceeded", 60.0),
    ),
    _case(
        "mismatch-sender",
        tickets(refused("MismatchSenderId")),
        Misconfigured("MismatchSenderId", CREDENTIALS),
    ),
    _case(
        "invalid-credentials",
        tickets(refused("InvalidCredentials")),
        Misconfigured("InvalidCredentials", CREDENTIALS),
    ),
    _case("developer-error", tickets(refused("DeveloperError")), Rejected("DeveloperError")),
    _case("expo-error", tickets(refused("ExpoError")), Retry("ExpoError")),
    _case("provider-error", tickets(refused("ProviderError")), Retry("ProviderError")),
    _case("unknown-error", tickets(refused("SomethingNew")), Rejected("SomethingNew")),
    _case("error-without-code", tickets({"status": "error"}), Rejected("TicketError")),
    _case("429", Answer(429, b""), Throttled("http_429", 60.0)),
    _case(
        "429-with-pause",
        expo_error(429, "TOO_MANY_REQUESTS", headers={"retry-after": "30"}),
        Throttled("TOO_MANY_REQUESTS", 30.0),
    ),
    _case(
        "rate-by-code", expo_error(400, "TOO_MANY_REQUESTS"), Throttled("TOO_MANY_REQUESTS", 60.0)
    ),
    _case("500", Answer(500, b"<html>"), Retry("http_500")),
    _case("503-with-pause", Answer(503, b"", {"retry-after": "45"}), Retry("http_503", 45.0)),
    _case("408", Answer(408, b""), Retry("http_408")),
    _case("401", Answer(401, b""), Misconfigured("http_401", ACCESS_TOKEN)),
    _case(
        "unauthorized", expo_error(400, "UNAUTHORIZED"), Misconfigured("UNAUTHORIZED", ACCESS_TOKEN)
    ),
    _case("403", Answer(403, b""), Misconfigured("http_403", ACCESS_TOKEN)),
    _case("400", expo_error(400, "VALIDATION_ERROR"), Rejected("VALIDATION_ERROR")),
    _case("400-html", Answer(400, b"<html>"), Rejected("http_400")),
    _case("200-with-errors", expo_error(200, "VALIDATION_ERROR"), Rejected("VALIDATION_ERROR")),
    _case(
        "too-many-projects-of-one",
        expo_error(400, "PUSH_TOO_MANY_EXPERIENCE_IDS", details={"@a/b": ["x"]}),
        Rejected("PUSH_TOO_MANY_EXPERIENCE_IDS"),
    ),
    _case(
        "too-many-notifications",
        expo_error(400, "PUSH_TOO_MANY_NOTIFICATIONS"),
        Rejected("PUSH_TOO_MANY_NOTIFICATIONS"),
    ),
    _case("413", Answer(413, b""), Rejected("http_413")),
    _case("404", Answer(404, b"<html>"), Misconfigured("http_404", NOT_EXPO)),
    _case("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_EXPO)),
    *(
        _case(name, action, outcome)
        for name, action, outcome in (
            ("200-truncated-json", Answer(200, b'{"data": "proj'), UNREADABLE),
            ("200-empty", Answer(200, b""), UNREADABLE),
            ("200-wrong-charset", Answer(200, '{"data": "ü"}'.encode("utf-16")[:-1]), UNREADABLE),
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
            expo_error(429, "TOO_MANY_REQUESTS", headers={"retry-after": value}),
            Throttled("TOO_MANY_REQUESTS", 60.0 if seconds is None else seconds),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
    *(
        _case(f"503-{name}", Answer(503, b"", {"retry-after": value}), Retry("http_503", seconds))
        for name, value, seconds in RETRY_AFTERS
    ),
)
