"""Expo's receipts: the answers of getReceipts and what they mean for one ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.answers import Action, Answer, Drop, Stall
from support.conformance_expo import ACCESS_TOKEN, CREDENTIALS, NOT_EXPO, expo_error

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
from gtr_jobs.domain.receipt import Missing, Receipt, Told, Unread

TICKET = "ticket-0"
TOKEN = "ExponentPushToken[device0000]"


@dataclass(frozen=True, slots=True)
class ReceiptCase:
    """An answer and what it means.

    Args:
        name: What the test is called.
        action: The answer, to every request.
        receipt: What it means for `TICKET`.
    """

    name: str
    action: Action
    receipt: Receipt

    def __str__(self) -> str:
        return self.name


def receipts(**found: Any) -> Answer:
    """Answer with receipts by their tickets."""
    return Answer(200, {"data": {name.replace("_", "-"): value for name, value in found.items()}})


def refused(code: str) -> dict[str, Any]:
    """Write the receipt of a push that neither Apple nor Google took."""
    return {
        "status": "error",
        "message": f"{TOKEN} is refused with somebody's words",
        "details": {"error": code, "expoPushToken": TOKEN},
    }


_TOLD: tuple[tuple[str, Outcome], ...] = (
    ("DeviceNotRegistered", DeadTarget("DeviceNotRegistered")),
    ("MessageTooBig", Rejected("MessageTooBig")),
    ("MessageRateExceeded", Retry("MessageRateExceeded", 300.0)),
    ("MismatchSenderId", Misconfigured("MismatchSenderId", CREDENTIALS)),
    ("InvalidCredentials", Misconfigured("InvalidCredentials", CREDENTIALS)),
    ("DeveloperError", Rejected("DeveloperError")),
    ("ExpoError", Retry("ExpoError")),
    ("ProviderError", Retry("ProviderError")),
    ("SomethingNew", Rejected("SomethingNew")),
    ("somebody's words", Rejected("ReceiptError")),
)
_UNREAD: tuple[tuple[str, Action, Outcome], ...] = (
    ("200-html", Answer(200, b"<html>"), Retry("receipts_unreadable")),
    ("200-truncated", Answer(200, b'{"data": {"ticket-0"'), Retry("receipts_unreadable")),
    ("200-a-list", Answer(200, {"data": []}), Retry("receipts_unreadable")),
    ("200-no-object", Answer(200, b"[]"), Retry("receipts_unreadable")),
    ("200-empty", Answer(200, b""), Retry("receipts_unreadable")),
    ("429", Answer(429, b""), Throttled("http_429", 60.0)),
    (
        "429-with-pause",
        expo_error(429, "TOO_MANY_REQUESTS", headers={"retry-after": "30"}),
        Throttled("TOO_MANY_REQUESTS", 30.0),
    ),
    ("rate-by-code", expo_error(400, "TOO_MANY_REQUESTS"), Throttled("TOO_MANY_REQUESTS", 60.0)),
    ("500", Answer(500, b"<html>"), Retry("http_500")),
    ("503-with-pause", Answer(503, b"", {"retry-after": "45"}), Retry("http_503", 45.0)),
    ("408", Answer(408, b""), Retry("http_408")),
    ("401", Answer(401, b""), Misconfigured("http_401", ACCESS_TOKEN)),
    ("unauthorized", expo_error(400, "UNAUTHORIZED"), Misconfigured("UNAUTHORIZED", ACCESS_TOKEN)),
    ("403", Answer(403, b""), Misconfigured("http_403", ACCESS_TOKEN)),
    ("404", Answer(404, b"<html>"), Misconfigured("http_404", NOT_EXPO)),
    ("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_EXPO)),
    ("400", expo_error(400, "VALIDATION_ERROR"), Rejected("VALIDATION_ERROR")),
    ("400-html", Answer(400, b"<html>"), Rejected("http_400")),
    ("200-with-errors", expo_error(200, "VALIDATION_ERROR"), Rejected("VALIDATION_ERROR")),
    (
        "too-many-receipts-of-one",
        expo_error(400, "PUSH_TOO_MANY_RECEIPTS"),
        Rejected("PUSH_TOO_MANY_RECEIPTS"),
    ),
    ("dropped", Drop(), Ambiguous("connection_lost")),
    ("broken-off", Drop(after_headers=True), Ambiguous("answer_broken")),
    ("silent", Stall(), Ambiguous("deadline")),
    ("too-large", Answer(200, b"x" * (1024 * 1024 + 1)), Ambiguous("answer_too_large")),
)

RECEIPT_CASES: tuple[ReceiptCase, ...] = (
    ReceiptCase("ok", receipts(ticket_0={"status": "ok"}), Told(Accepted(TICKET))),
    *(ReceiptCase(code, receipts(ticket_0=refused(code)), Told(told)) for code, told in _TOLD),
    ReceiptCase(
        "error-without-details",
        receipts(ticket_0={"status": "error"}),
        Told(Rejected("ReceiptError")),
    ),
    ReceiptCase("missing", receipts(), Missing()),
    ReceiptCase("of-another", receipts(ticket_9={"status": "ok"}), Missing()),
    ReceiptCase("no-object", receipts(ticket_0="ok"), Missing()),
    ReceiptCase("without-status", receipts(ticket_0={}), Missing()),
    *(ReceiptCase(name, action, Unread(cause)) for name, action, cause in _UNREAD),
)
