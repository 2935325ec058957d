"""What Expo's answers mean: a ticket a message, or one error for the whole request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
from gtr_jobs.providers.answers import (
    clean_code,
    mapping_at,
    objects_at,
    read_json_object,
    text_at,
)
from gtr_jobs.providers.exchange import Answered

_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Tickets:
    """Every message has an outcome of its own.

    Args:
        outcomes: In the order of the messages.
    """

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """All messages share an outcome.

    Args:
        outcome: How each ended.
    """

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Split:
    """Nothing was taken because of something in the request; in smaller parts the rest may be.

    Args:
        code: What is wrong with it.
        groups: Tokens that belong together, where Expo says so.
    """

    code: str
    groups: tuple[frozenset[str], ...] = field(default=(), repr=False)


Verdict = Tickets | Together | Split


def classify_expo_answer(answered: Answered, count: int, now: datetime) -> Verdict:
    """Say what an answer means for the messages of a request.

    Args:
        answered: The answer.
        count: How many messages there were.
        now: What a date in `Retry-After` is compared with.
    """
    status = answered.status
    answer = read_json_object(answered.body)
    errors = objects_at(answer, "errors")
    if status == 200 and not errors:
        return _read_tickets(answer.get("data"), count)
    error: Mapping[str, Any] = errors[0] if errors else {}
    code = clean_code(error.get("code"), f"http_{status}")
    pause = parse_retry_after(answered.headers.get("retry-after"), now)
    if status == 429 or code == "TOO_MANY_REQUESTS":
        return Together(Throttled(code, _PAUSE if pause is None else pause))
    if status >= 500 or status == 408:
        return Together(Retry(code, pause))
    return _classify_refusal(status, code, error)


def _classify_refusal(status: int, code: str, error: Mapping[str, Any]) -> Verdict:
    if status in {401, 403} or code == "UNAUTHORIZED":
        return Together(Misconfigured(code, "see GTR_EXPO_ACCESS_TOKEN"))
    if error or status in {400, 413, 422}:
        return Split(code, _groups(error) if code == "PUSH_TOO_MANY_EXPERIENCE_IDS" else ())
    if status < 300:
        return Together(Ambiguous(code))
    return Together(Misconfigured(code, "this is not Expo's answer; see GTR_EXPO_URL"))


def _read_tickets(data: Any, count: int) -> Verdict:
    """Read the tickets, which come in the order of the messages and one for each."""
    if not isinstance(data, list) or len(data) != count:
        # Expo took the request, and which ticket is whose cannot be told.
        return Together(Ambiguous("ticket_count"))
    return Tickets(tuple(_read_ticket(ticket) for ticket in data))


def _read_ticket(ticket: Any) -> Outcome:
    fields = ticket if isinstance(ticket, dict) else {}
    ticket_id = text_at(fields, "id")
    if fields.get("status") == "ok" and ticket_id:
        return Accepted(ticket_id)
    if fields.get("status") != "error":
        return Ambiguous("ticket_unreadable")
    code = clean_code(mapping_at(fields, "details").get("error"), "TicketError")
    return _TICKET_ERRORS.get(code) or Rejected(code)


_CREDENTIALS = "the Expo project's credentials for FCM or APNs"
_TICKET_ERRORS: Mapping[str, Outcome] = {
    "DeviceNotRegistered": DeadTarget("DeviceNotRegistered"),
    "MessageRateExceeded": Retry("MessageRateExceeded", _PAUSE),
    "ExpoError": Retry("ExpoError"),
    "ProviderError": Retry("ProviderError"),
    "MismatchSenderId": Misconfigured("MismatchSenderId", _CREDENTIALS),
    "InvalidCredentials": Misconfigured("InvalidCredentials", _CREDENTIALS),
}


def _groups(error: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    return tuple(
        frozenset(token for token in tokens if isinstance(token, str))
        for tokens in mapping_at(error, "details").values()
        if isinstance(tokens, list)
    )
