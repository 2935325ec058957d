"""What Plivo's answers mean, and the codes that its reports carry.

https://www.plivo.com/docs/messaging/api/response/ and .../troubleshooting/error-codes/
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
from gtr_jobs.providers.answers import read_json_object
from gtr_jobs.providers.exchange import Answered

_LOGIN = "see GTR_PLIVO_AUTH_ID and GTR_PLIVO_AUTH_TOKEN"
_SENDER = "see GTR_PLIVO_FROM"
_COUNTRY = "allow the country in Plivo's console, or leave it out of ours"

_MINUTE = 60.0
_HOUR = 3600.0

# By the code of a message that was accepted and then not delivered.
PLIVO_ERRORS: Mapping[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        Rejected("10", "refused by a carrier"),
        Retry("20", _MINUTE),
        Rejected("30", "taken for spam"),
        Misconfigured("40", _SENDER),
        DeadTarget("50", "invalid"),
        Retry("60", _HOUR),
        Rejected("70", "filtered"),
        Retry("80", _HOUR),
        Rejected("90", "blocked by a carrier"),
        Misconfigured("100", "the account has no credit"),
        Rejected("110", "the text is not allowed"),
        Misconfigured("120", _SENDER),
        Retry("160", _HOUR),
        DeadTarget("200", "unsubscribed"),
        Rejected("210", "the sender is blocked"),
        Rejected("420", "it waited too long in Plivo's queue"),
        Misconfigured("450", _COUNTRY, "country"),
        Retry("1000"),
    )
}


def classify_plivo_answer(answered: Answered, now: datetime) -> Outcome:
    """Say how an attempt ended that Plivo answered.

    Args:
        answered: The answer.
        now: What a date in `Retry-After` is compared with.
    """
    status = answered.status
    code = f"http_{status}"
    if 200 <= status < 300:
        return _read_accepted(answered)
    if status >= 500 or status == 408:
        # It may have been accepted: only the list of messages knows.
        return Ambiguous(code)
    if status == 429:
        pause = parse_retry_after(answered.headers.get("retry-after"), now)
        return Throttled(code, _MINUTE if pause is None else pause)
    answer = read_json_object(answered.body)
    return _classify_refusal(status, code, answer.get("error") if "api_id" in answer else None)


def classify_plivo_report(error_code: str) -> Outcome:
    """Say what the code of a message means that was accepted and then not delivered."""
    is_code = error_code.isascii() and error_code.isdecimal() and len(error_code) <= 4
    return PLIVO_ERRORS.get(error_code) or Rejected(error_code if is_code else "undelivered")


def _read_accepted(answered: Answered) -> Outcome:
    names = read_json_object(answered.body).get("message_uuid")
    if isinstance(names, list) and len(names) == 1 and is_uuid(names[0]):
        return Accepted(names[0])
    return Ambiguous("answer_unreadable")


def _classify_refusal(status: int, code: str, error: Any) -> Outcome:
    if (refusal := _REFUSALS.get(status)) is not None:
        return refusal
    if not isinstance(error, str) or status not in {400, 422}:
        return Misconfigured(code, "this is not Plivo's answer; see GTR_PLIVO_URL")
    # Plivo tells the parameter in its sentence, and nowhere else.
    words = error.lower()
    if "dst" in words:
        return DeadTarget("dst_invalid", "invalid")
    if "src" in words or "powerpack" in words:
        return Misconfigured("src_invalid", _SENDER)
    return Rejected(code)


_REFUSALS: Mapping[int, Outcome] = {
    401: Misconfigured("http_401", _LOGIN),
    402: Misconfigured("http_402", "the account has no credit"),
    # Plivo's own library takes it for a country that is not allowed.
    403: Misconfigured("http_403", _COUNTRY, "country"),
}


def is_uuid(value: object) -> bool:
    """Tell whether something can be Plivo's name of a message."""
    if not isinstance(value, str) or len(value) != 36:
        return False
    return set(value) <= set("0123456789abcdef-")
