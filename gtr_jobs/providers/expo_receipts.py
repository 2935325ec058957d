"""Expo's receipts: what became of pushes that it took, three hundred a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from gtr_jobs.domain.outcome import (
    Accepted,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
)
from gtr_jobs.domain.receipt import Missing, Receipt, Told, Unread
from gtr_jobs.domain.retry_after import parse_retry_after
from gtr_jobs.providers.answers import (
    clean_code,
    mapping_at,
    objects_at,
    outcome_without_answer,
    read_json_object,
)
from gtr_jobs.providers.exchange import Answered, Broken
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.providers.json_text import write_json
from gtr_jobs.providers.transport import HttpPool

# Expo allows a thousand; its own library asks for so many.
RECEIPTS_A_REQUEST = 300
# One bad id among three hundred is found with 18 requests. A service that refuses everything gets no more.
_MOST_REQUESTS = 40
_PAUSE = 60.0
# That a device gets too much is over in minutes, not seconds: doubled with every try.
RATE_EXCEEDED_SECONDS = 300.0
_CREDENTIALS = "the Expo project's credentials for FCM or APNs"


@dataclass(frozen=True, slots=True)
class Read:
    """The answer has what is known.

    Args:
        receipts: One for each ticket.
    """

    receipts: Mapping[str, Receipt]


@dataclass(frozen=True, slots=True)
class Refused:
    """Something in the request is refused; in smaller parts the rest may be answered.

    Args:
        cause: What it means for a single ticket that is refused.
    """

    cause: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was answered, whatever the request was.

    Args:
        cause: Why.
    """

    cause: Outcome


Verdict = Read | Refused | Failed


@dataclass(slots=True)
class _Left:
    """How many requests may still be made for one part."""

    requests: int = _MOST_REQUESTS


class ReceiptReader:
    """Asks Expo for receipts, over the connections and with the access token of who sends.

    Args:
        pool: The connections.
        base_url: Expo's push service, or a stand-in for it.
        width: How many requests may be under way at once.
        now: Gives the time.
    """

    def __init__(
        self, pool: HttpPool, base_url: str, width: int, now: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._url = f"{base_url}/--/api/v2/push/getReceipts"
        self._width = width
        self._now = now

    async def read(self, ticket_ids: Sequence[str]) -> Mapping[str, Receipt]:
        """Read the receipts of tickets; see `ReceiptSource.read_receipts`."""
        parts = [
            ticket_ids[start : start + RECEIPTS_A_REQUEST]
            for start in range(0, len(ticket_ids), RECEIPTS_A_REQUEST)
        ]
        read: dict[str, Receipt] = {}
        for receipts in await do_each(parts, self._read_part, self._width):
            read |= receipts
        return read

    async def _read_part(self, ticket_ids: Sequence[str]) -> Mapping[str, Receipt]:
        return await self._ask(ticket_ids, _Left())

    async def _ask(self, ticket_ids: Sequence[str], left: _Left) -> Mapping[str, Receipt]:
        left.requests -= 1
        body = write_json({"ids": [*ticket_ids]})
        result = await self._pool.post(self._url, body)
        if result == Broken("connection_lost"):
            # Most likely one that rested and that Expo had closed; asking twice changes nothing.
            result = await self._pool.post(self._url, body)
        if not isinstance(result, Answered):
            return _unread(ticket_ids, outcome_without_answer(result))
        verdict = classify_receipts_answer(result, ticket_ids, self._now())
        match verdict:
            case Read(receipts=receipts):
                return receipts
            case Failed(cause=cause):
                return _unread(ticket_ids, cause)
            case Refused(cause=cause):
                if len(ticket_ids) == 1 and left.requests < _MOST_REQUESTS - 1:
                    # Of all that was asked for it is this one that Expo does not take.
                    return {ticket_ids[0]: Missing()}
                if len(ticket_ids) == 1 or left.requests < 2:
                    return _unread(ticket_ids, cause)
                middle = len(ticket_ids) // 2
                return {
                    **await self._ask(ticket_ids[:middle], left),
                    **await self._ask(ticket_ids[middle:], left),
                }
            case _:
                assert_never(verdict)


def classify_receipts_answer(
    answered: Answered, ticket_ids: Sequence[str], now: datetime
) -> Verdict:
    """Say what an answer means for the tickets of a request.

    Args:
        answered: The answer.
        ticket_ids: What was asked for.
        now: What a date in `Retry-After` is compared with.
    """
    status = answered.status
    answer = read_json_object(answered.body)
    errors = objects_at(answer, "errors")
    if status == 200 and not errors:
        data = answer.get("data")
        if not isinstance(data, dict):
            return Failed(Retry("receipts_unreadable"))
        return Read({ticket_id: _read_receipt(data, ticket_id) for ticket_id in ticket_ids})
    return _classify_refusal(answered, clean_code(_code_of(errors), f"http_{status}"), now)


def _code_of(errors: Sequence[Mapping[str, Any]]) -> Any:
    return errors[0].get("code") if errors else None


def _classify_refusal(answered: Answered, code: str, now: datetime) -> Verdict:
    status = answered.status
    pause = parse_retry_after(answered.headers.get("retry-after"), now)
    if status == 429 or code == "TOO_MANY_REQUESTS":
        return Failed(Throttled(code, _PAUSE if pause is None else pause))
    if status >= 500 or status == 408:
        return Failed(Retry(code, pause))
    if status in {401, 403} or code == "UNAUTHORIZED":
        return Failed(Misconfigured(code, "see GTR_EXPO_ACCESS_TOKEN"))
    if code != f"http_{status}" or status in {400, 413, 422}:
        return Refused(Rejected(code))
    return Failed(Misconfigured(code, "this is not Expo's answer; see GTR_EXPO_URL"))


def _read_receipt(data: Mapping[str, Any], ticket_id: str) -> Receipt:
    if ticket_id not in data:
        return Missing()
    receipt = mapping_at(data, ticket_id)
    match receipt.get("status"):
        case "ok":
            return Told(Accepted(ticket_id))
        case "error":
            code = clean_code(mapping_at(receipt, "details").get("error"), "ReceiptError")
            return Told(_ERRORS.get(code) or Rejected(code))
        case _:
            return Missing()


_ERRORS: Mapping[str, Outcome] = {
    "DeviceNotRegistered": DeadTarget("DeviceNotRegistered"),
    "MessageTooBig": Rejected("MessageTooBig"),
    "MessageRateExceeded": Retry("MessageRateExceeded", RATE_EXCEEDED_SECONDS),
    "MismatchSenderId": Misconfigured("MismatchSenderId", _CREDENTIALS),
    "InvalidCredentials": Misconfigured("InvalidCredentials", _CREDENTIALS),
    "DeveloperError": Rejected("DeveloperError"),
    "ExpoError": Retry("ExpoError"),
    "ProviderError": Retry("ProviderError"),
}


def _unread(ticket_ids: Sequence[str], cause: Outcome) -> Mapping[str, Receipt]:
    return dict.fromkeys(ticket_ids, Unread(cause))
