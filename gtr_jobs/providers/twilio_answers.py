"""What Twilio's answers mean, and the codes that its reports carry: one table for both.

https://www.twilio.com/docs/api/errors has a page for each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gtr_jobs.domain.outcome import (
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

_LOGIN = "see GTR_TWILIO_ACCOUNT_SID, GTR_TWILIO_AUTH_TOKEN and GTR_TWILIO_API_KEY"
_SENDER = "see GTR_TWILIO_FROM and GTR_TWILIO_MESSAGING_SERVICE"
_COUNTRY = "allow the country in Twilio's console, or leave it out of ours"

_MOMENT = 5.0
_MINUTE = 60.0
_HOUR = 3600.0
_HOURS = 4 * _HOUR

# By number, as they are written in Twilio's documentation.
TWILIO_ERRORS: Mapping[int, Outcome] = {
    code: outcome
    for outcome in (
        # The number.
        DeadTarget("21211", "invalid"),
        DeadTarget("21217", "invalid"),
        DeadTarget("21265", "invalid"),
        DeadTarget("21614", "no_sms"),
        DeadTarget("21635", "landline"),
        DeadTarget("21610", "unsubscribed"),
        # The text.
        Rejected("21602", "a message needs a body"),
        Rejected("21617", "the body is longer than 1,600 characters"),
        Rejected("21619", "a message needs a body"),
        Rejected("30450", "taken for SMS pumping"),
        # The account, its senders and its countries.
        Misconfigured("20003", _LOGIN),
        Misconfigured("20404", _LOGIN),
        Misconfigured("21408", _COUNTRY, "country"),
        Misconfigured("21601", _SENDER),
        Misconfigured("21603", _SENDER),
        Misconfigured("21606", _SENDER),
        Misconfigured("21659", _SENDER),
        Misconfigured("21701", _SENDER),
        Misconfigured("21703", _SENDER),
        Misconfigured("21705", _SENDER),
        Misconfigured("21612", "no sender of ours reaches this country", "country"),
        Misconfigured("21608", "a trial account writes to verified numbers only"),
        Misconfigured("21609", "the address of status reports; see GTR_PUBLIC_URL"),
        # Rates and queues.
        Throttled("20429", _MOMENT),
        Throttled("63017", _MOMENT),
        Throttled("21611", _HOUR),
        Throttled("60728", _HOUR),
        Throttled("63038", _HOUR),
        # In reports of what was accepted.
        Retry("30001", _HOUR),
        Misconfigured("30002", "the account is suspended"),
        Retry("30003", _HOURS),
        Rejected("30004", "blocked"),
        Rejected("30005", "unknown handset"),
        DeadTarget("30006", "landline"),
        Rejected("30007", "filtered by a carrier"),
        Retry("30008", _MINUTE),
        Throttled("30022", _MINUTE),
        Misconfigured("30034", "register the sender for 10DLC"),
    )
    for code in (int(getattr(outcome, "code", "0")),)
}


def classify_twilio_answer(answered: Answered, now: datetime) -> Outcome:
    """Say how an attempt ended that Twilio answered with anything but success.

    Args:
        answered: The answer.
        now: What a date in `Retry-After` is compared with.
    """
    status = answered.status
    answer = read_json_object(answered.body)
    number = _read_code(answer.get("code"))
    code = str(number) if number is not None else f"http_{status}"
    if status >= 500 or status == 408:
        # It may have been accepted: only the list of messages knows.
        return Ambiguous(code)
    outcome = None if number is None else TWILIO_ERRORS.get(number)
    if outcome is None or (status == 429 and not isinstance(outcome, Throttled)):
        outcome = _by_status(status, code, is_twilios=number is not None)
    pause = parse_retry_after(answered.headers.get("retry-after"), now)
    if isinstance(outcome, Throttled) and pause is not None:
        return replace(outcome, retry_after=pause)
    return outcome


def _by_status(status: int, code: str, *, is_twilios: bool) -> Outcome:
    if status == 429:
        return Throttled(code, _MOMENT)
    if status in {401, 403}:
        return Misconfigured(code, _LOGIN)
    if is_twilios and status >= 400:
        return Rejected(code)
    return Misconfigured(code, "this is not Twilio's answer; see GTR_TWILIO_URL")


def classify_twilio_report(error_code: str) -> Outcome:
    """Say what the code of a message means that was accepted and then not delivered."""
    number = _read_code(error_code)
    known = None if number is None else TWILIO_ERRORS.get(number)
    return known or Rejected("undelivered" if number is None else str(number))


def _read_code(value: object) -> int | None:
    """Read a code of five digits, as a number or as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) == 5:
        value = int(value)
    is_code = isinstance(value, int) and not isinstance(value, bool) and 10_000 <= value <= 99_999
    return value if is_code and isinstance(value, int) else None
