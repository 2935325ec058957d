"""Twilio and Plivo: their answers and what they mean for a text message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from support.answers import Action, Answer
from support.conformance import RETRY_AFTERS

from gtr_jobs.domain.cost import Cost
from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Throttled,
)

SmsProviderName = Literal["twilio", "plivo"]

SID = f"SM{'0' * 31}1"
UUID = "db3ce55a-7f1d-11e1-8ea7-1231380bc196"


@dataclass(frozen=True, slots=True)
class SmsCase:
    """An answer and what it means.

    Args:
        provider: Whose answer.
        name: What the test is called.
        action: The answer, to every request.
        outcome: What it means for one message.
    """

    provider: SmsProviderName
    name: str
    action: Action
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"


def twilio_message(**fields: Any) -> dict[str, Any]:
    """Write a message as Twilio does."""
    return {
        "account_sid": f"AC{'0' * 32}",
        "api_version": "2010-04-01",
        "body": "Your code is 123456",
        "date_created": "Sun, 01 Mar 2026 12:00:00 +0000",
        "date_sent": None,
        "date_updated": "Sun, 01 Mar 2026 12:00:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+15005550006",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": SID,
        "status": "queued",
        "subresource_uris": {},
        "to": "+14155550123",
        "uri": f"/2010-04-01/Accounts/AC{'0' * 32}/Messages/{SID}.json",
        **fields,
    }


def twilio_error(status: int, code: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Write an error as Twilio does."""
    body = {
        "code": code,
        "message": "words of +14155550123",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Answer(status, body, headers or {})


def problem(status: int, code: Any) -> Answer:
    """Write an error as Twilio's newer services do (RFC 9457)."""
    body = {"type": "https://www.twilio.com", "title": "words", "status": status, "code": code}
    return Answer(status, body)


def plivo_error(status: int, error: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Write an error as Plivo does."""
    return Answer(status, {"api_id": UUID, "error": error}, headers or {})


def _twilio(name: str, action: Action, outcome: Outcome) -> SmsCase:
    return SmsCase("twilio", name, action, outcome)


def _plivo(name: str, action: Action, outcome: Outcome) -> SmsCase:
    return SmsCase("plivo", name, action, outcome)


LOGIN = "see GTR_TWILIO_ACCOUNT_SID, GTR_TWILIO_AUTH_TOKEN and GTR_TWILIO_API_KEY"
SENDER = "see GTR_TWILIO_FROM and GTR_TWILIO_MESSAGING_SERVICE"
COUNTRY = "allow the country in Twilio's console, or leave it out of ours"
NOT_TWILIO = "this is not Twilio's answer; see GTR_TWILIO_URL"
NOT_PLIVO = "this is not Plivo's answer; see GTR_PLIVO_URL"
PLIVO_COUNTRY = "allow the country in Plivo's console, or leave it out of ours"
PLIVO_LOGIN = "see GTR_PLIVO_AUTH_ID and GTR_PLIVO_AUTH_TOKEN"
UNREADABLE = Ambiguous("answer_unreadable")

# What a server sends that is in trouble: never a proof of anything.
MALFORMED: tuple[tuple[str, bytes, Mapping[str, str]], ...] = (
    ("truncated-json", b'{"sid": "SM', {}),
    ("empty", b"", {}),
    ("html", b"<html>", {}),
    ("wrong-charset", '{"sid": "\u00fc"}'.encode("utf-16")[:-1], {}),
    ("nul-bytes", b"\x00" * 64, {}),
    ("deep-json", b"[" * 200_000, {}),
    ("list", b"[]", {}),
    ("null", b"null", {}),
    ("gzip", b"\x1f\x8b\x08bomb", {"content-encoding": "gzip"}),
)

TWILIO_CASES: tuple[SmsCase, ...] = (
    _twilio("201", Answer(201, twilio_message()), Accepted(SID, segments=1)),
    _twilio(
        "201-by-service",
        Answer(201, twilio_message(**{"from": None, "num_segments": "0", "status": "accepted"})),
        Accepted(SID),
    ),
    _twilio(
        "201-with-price",
        Answer(201, twilio_message(num_segments="2", price="-0.01580", price_unit="usd")),
        Accepted(SID, segments=2, cost=Cost(Decimal("0.01580"), "USD")),
    ),
    _twilio(
        "201-price-is-none",
        Answer(201, twilio_message(price="NaN", num_segments="many")),
        Accepted(SID),
    ),
    _twilio("201-strange-date", Answer(201, twilio_message(date_created=[1])), UNREADABLE),
    _twilio("201-without-sid", Answer(201, twilio_message(sid=None)), UNREADABLE),
    _twilio("201-strange-sid", Answer(201, twilio_message(sid="SM1")), UNREADABLE),
    *(
        _twilio(f"201-{name}", Answer(201, body, headers), UNREADABLE)
        for name, body, headers in MALFORMED
    ),
    _twilio("201-too-large", Answer(201, b"x" * 10_000_000), Ambiguous("answer_too_large")),
    _twilio("204", Answer(204), UNREADABLE),
    *(
        _twilio(f"400-{dead.code}", twilio_error(400, int(dead.code)), dead)
        for dead in (
            DeadTarget("21211", "invalid"),
            DeadTarget("21217", "invalid"),
            DeadTarget("21265", "invalid"),
            DeadTarget("21614", "no_sms"),
            DeadTarget("21635", "landline"),
            DeadTarget("21610", "unsubscribed"),
        )
    ),
    *(
        _twilio(f"400-{code}", twilio_error(400, code), Rejected(str(code), detail))
        for code, detail in (
            (21602, "a message needs a body"),
            (21617, "the body is longer than 1,600 characters"),
            (21619, "a message needs a body"),
            (30450, "taken for SMS pumping"),
            (20001, ""),
            (29999, ""),
        )
    ),
    *(
        _twilio(f"400-{code}", twilio_error(400, code), Misconfigured(str(code), SENDER))
        for code in (21601, 21603, 21606, 21659, 21701, 21703, 21705)
    ),
    _twilio("400-21408", twilio_error(400, 21408), Misconfigured("21408", COUNTRY, "country")),
    _twilio(
        "400-21612",
        twilio_error(400, 21612),
        Misconfigured("21612", "no sender of ours reaches this country", "country"),
    ),
    _twilio(
        "400-21608",
        twilio_error(400, 21608),
        Misconfigured("21608", "a trial account writes to verified numbers only"),
    ),
    _twilio(
        "400-21609",
        twilio_error(400, 21609),
        Misconfigured("21609", "the address of status reports; see GTR_PUBLIC_URL"),
    ),
    _twilio("401-20003", twilio_error(401, 20003), Misconfigured("20003", LOGIN)),
    _twilio("403-20003", twilio_error(403, 20003), Misconfigured("20003", LOGIN)),
    _twilio("401-html", Answer(401, b"<html>"), Misconfigured("http_401", LOGIN)),
    _twilio("403-unknown", twilio_error(403, 20999), Misconfigured("20999", LOGIN)),
    _twilio("404-20404", twilio_error(404, 20404), Misconfigured("20404", LOGIN)),
    _twilio("404-html", Answer(404, b"<html>"), Misconfigured("http_404", NOT_TWILIO)),
    _twilio("400-html", Answer(400, b"<html>"), Misconfigured("http_400", NOT_TWILIO)),
    _twilio("400-code-is-none", twilio_error(400, True), Misconfigured("http_400", NOT_TWILIO)),
    _twilio("400-code-is-text", twilio_error(400, "21610"), DeadTarget("21610", "unsubscribed")),
    _twilio("400-rfc-9457", problem(400, 21610), DeadTarget("21610", "unsubscribed")),
    _twilio("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_TWILIO)),
    _twilio("400-21611", twilio_error(400, 21611), Throttled("21611", 3600.0)),
    _twilio("400-63038", twilio_error(400, 63038), Throttled("63038", 3600.0)),
    _twilio("400-60728", twilio_error(400, 60728), Throttled("60728", 3600.0)),
    _twilio("400-63017", twilio_error(400, 63017), Throttled("63017", 5.0)),
    _twilio("429-20429", twilio_error(429, 20429), Throttled("20429", 5.0)),
    _twilio("429-html", Answer(429, b"<html>"), Throttled("http_429", 5.0)),
    _twilio("429-another-code", twilio_error(429, 21610), Throttled("21610", 5.0)),
    _twilio("408", Answer(408), Ambiguous("http_408")),
    _twilio("500-20500", twilio_error(500, 20500), Ambiguous("20500")),
    _twilio("502-html", Answer(502, b"<html>"), Ambiguous("http_502")),
    _twilio("503-20503", twilio_error(503, 20503, {"retry-after": "5"}), Ambiguous("20503")),
    _twilio("500-21610", twilio_error(500, 21610), Ambiguous("21610")),
    *(
        _twilio(
            f"429-{name}",
            twilio_error(429, 20429, {"retry-after": value}),
            Throttled("20429", 5.0 if seconds is None else seconds),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
)

PLIVO_CASES: tuple[SmsCase, ...] = (
    _plivo("202", Answer(202, {"api_id": UUID, "message_uuid": [UUID]}), Accepted(UUID)),
    _plivo("202-two", Answer(202, {"message_uuid": [UUID, UUID]}), UNREADABLE),
    _plivo("202-none", Answer(202, {"message_uuid": []}), UNREADABLE),
    _plivo("202-strange", Answer(202, {"message_uuid": ["../x"]}), UNREADABLE),
    *(
        _plivo(f"202-{name}", Answer(202, body, headers), UNREADABLE)
        for name, body, headers in MALFORMED
    ),
    _plivo("202-too-large", Answer(202, b"x" * 10_000_000), Ambiguous("answer_too_large")),
    _plivo(
        "400-dst",
        plivo_error(400, "dst parameter is not valid"),
        DeadTarget("dst_invalid", "invalid"),
    ),
    _plivo(
        "400-src",
        plivo_error(400, "src parameter is not valid"),
        Misconfigured("src_invalid", "see GTR_PLIVO_FROM"),
    ),
    _plivo("400-text", plivo_error(400, "text is too long"), Rejected("http_400")),
    _plivo("400-html", Answer(400, b"<html>"), Misconfigured("http_400", NOT_PLIVO)),
    _plivo("401", Answer(401, b"Could not verify"), Misconfigured("http_401", PLIVO_LOGIN)),
    _plivo("402", plivo_error(402, "no"), Misconfigured("http_402", "the account has no credit")),
    _plivo("403", plivo_error(403, "no"), Misconfigured("http_403", PLIVO_COUNTRY, "country")),
    _plivo("404", plivo_error(404, "not found"), Misconfigured("http_404", NOT_PLIVO)),
    _plivo("302", Answer(302, headers={"location": "/"}), Misconfigured("http_302", NOT_PLIVO)),
    _plivo("408", Answer(408), Ambiguous("http_408")),
    _plivo("429-without-pause", plivo_error(429, "slow down"), Throttled("http_429", 60.0)),
    _plivo("500", plivo_error(500, "oh"), Ambiguous("http_500")),
    _plivo("503", Answer(503, b"<html>"), Ambiguous("http_503")),
    *(
        _plivo(
            f"429-{name}",
            plivo_error(429, "slow down", {"retry-after": value}),
            Throttled("http_429", 60.0 if seconds is None else seconds),
        )
        for name, value, seconds in RETRY_AFTERS
    ),
)
