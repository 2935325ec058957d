"""Plivo: text messages over a plain HTTP API.

https://www.plivo.com/docs/messaging/api/message/send-a-message/ and .../list-all-messages/. A message
is created with POST, and its record found again by number and time; the record has no text.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from gtr_jobs.domain.cost import Cost
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import Ambiguous, Expired, Misconfigured, Outcome
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.sms import (
    Absent,
    CannotTell,
    Finding,
    Found,
    SmsMessage,
    SmsRecord,
    SmsStatus,
    clean_status,
)
from gtr_jobs.providers.answers import (
    NOT_TEXT,
    objects_at,
    outcome_without_answer,
    read_json_object,
    text_at,
)
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.exchange import Answered, HttpOptions
from gtr_jobs.providers.json_text import write_json
from gtr_jobs.providers.one_message import ask_for_one
from gtr_jobs.providers.plivo_answers import classify_plivo_answer, is_uuid
from gtr_jobs.providers.pressure import Pressure, account_name
from gtr_jobs.providers.transport import HttpPool

DEFAULT_URL = "https://api.plivo.com"

_PAGE = 20
_MOST_PAGES = 10
_CONNECTIONS = 12
# Seconds that Plivo takes as the life of a message; the shortest is what it can do.
_SHORTEST_LIFE, _LONGEST_LIFE = 5, 10_799
_CLOCK_DIFFERENCE = timedelta(seconds=5)

_STATUSES: Mapping[str, SmsStatus] = {
    "queued": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "rejected": "failed",
}


@dataclass(frozen=True, slots=True)
class PlivoAccount:
    """Who sends.

    Args:
        auth_id: The account's name.
        auth_token: Its secret.
        sender: A number in E.164, or a name.

    Raises:
        ConfigurationError: One of them cannot be what it should; names the setting.
    """

    auth_id: str
    auth_token: str = field(repr=False)
    sender: str

    def __post_init__(self) -> None:
        if not (self.auth_id.isascii() and self.auth_id.isalnum()):
            raise ConfigurationError("GTR_PLIVO_AUTH_ID: not an account's", "copy it again")
        if not self.auth_token.strip():
            raise ConfigurationError("GTR_PLIVO_AUTH_TOKEN: not set", "set it")
        if not self.sender.strip():
            raise ConfigurationError("GTR_PLIVO_FROM: not set", "name a number of yours")


class PlivoProvider:
    """Sends text messages by Plivo.

    Args:
        account: Who sends.
        base_url: Plivo's API, or a stand-in for it.
        options: How to talk to it.
        observe_attempts: Told how messages ended.
        now: Gives the time.
        app: The app whose messages it sends.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "plivo"

    def __init__(
        self,
        account: PlivoAccount,
        base_url: str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempts: ObserveAttempts = observe_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        app: str = DEFAULT_APP,
    ) -> None:
        self.app = app
        self._account = account
        self._url = f"{base_url.rstrip('/')}/v1/Account/{account.auth_id}/Message/"
        login = b64encode(f"{account.auth_id}:{account.auth_token}".encode()).decode()
        options = options or HttpOptions()
        self._pool = HttpPool(
            options.over_http1(self.name, min(options.connections, _CONNECTIONS)),
            {
                "accept": "application/json",
                "authorization": f"Basic {login}",
                "content-type": "application/json",
            },
        )
        self.pressure = Pressure(account_name(self.name, app), self._pool.width)
        self._observe_attempts = observe_attempts
        self._now = now

    async def send(self, message: SmsMessage) -> Outcome:
        """Send a message; see `SmsProvider.send`."""
        if message.seconds_left(self._now()) <= 0:
            return Expired()
        return await ask_for_one(self.pressure, self._send_timed, message)

    async def find(
        self, message: SmsMessage, since: datetime, known: Collection[str] = ()
    ) -> Finding:
        """Look through the messages to a number; see `SmsProvider.find`.

        Plivo's records have no text: the oldest that belongs to no other delivery is taken for it.
        """
        earliest = since.astimezone(UTC) - _CLOCK_DIFFERENCE
        query = {
            "message_direction": "outbound",
            "to_number": message.to,
            "message_time__gte": earliest.strftime("%Y-%m-%d %H:%M:%S"),
            "limit": str(_PAGE),
        }
        found: SmsRecord | None = None
        for page in range(_MOST_PAGES):
            answer = await self._ask(f"{self._url}?{urlencode({**query, 'offset': page * _PAGE})}")
            if isinstance(answer, CannotTell):
                return answer
            if not isinstance(answer.get("objects"), list):
                return CannotTell(Ambiguous("answer_unreadable"))
            records = objects_at(answer, "objects")
            for each in records:
                record = _read_record(each)
                is_to = text_at(each, "to_number").lstrip("+") == message.to.lstrip("+")
                if record is not None and is_to and record.provider_id not in known:
                    found = record
            if len(records) < _PAGE:
                return Absent() if found is None else Found(found)
        return CannotTell(Ambiguous("list_too_long"))

    async def read(self, provider_id: str) -> Finding:
        """Read a message's record; see `SmsProvider.read`."""
        if not is_uuid(provider_id):
            return Absent()
        answer = await self._ask(f"{self._url}{provider_id}/", may_be_absent=True)
        if isinstance(answer, CannotTell):
            return answer
        record = _read_record(answer)
        if record is not None:
            return Found(record)
        return CannotTell(Ambiguous("answer_unreadable")) if answer else Absent()

    async def check(self) -> None:
        """List one message, as reconciling does; see `MessageProvider.check`."""
        answer = await self._ask(f"{self._url}?limit=1&offset=0")
        if not isinstance(answer, CannotTell):
            return
        cause = answer.cause
        code = getattr(cause, "code", cause.name)
        if isinstance(cause, Misconfigured):
            raise ConfigurationError(f"Plivo refuses our login ({code})", cause.detail)
        raise TryAgainError(f"Plivo cannot be asked now ({code})", "try again")

    async def close(self) -> None:
        """Close all connections; see `MessageProvider.close`."""
        await self._pool.close()

    async def _send_timed(self, message: SmsMessage) -> Outcome:
        # What is left now, not before waiting for its turn.
        seconds = message.seconds_left(self._now())
        if seconds <= 0:
            return Expired()
        fields = {
            "src": self._account.sender,
            "dst": message.to,
            "text": message.body,
            "type": "sms",
            "message_expiry": min(max(seconds, _SHORTEST_LIFE), _LONGEST_LIFE),
        }
        if (url := message.callback_url) is not None:
            fields |= {"url": url, "method": "POST"}
        try:
            body = write_json(fields)
        except UnicodeEncodeError:
            return NOT_TEXT
        started = time.perf_counter()
        result = await self._pool.post(self._url, body)
        outcome = (
            classify_plivo_answer(result, self._now())
            if isinstance(result, Answered)
            else outcome_without_answer(result)
        )
        self._observe_attempts(self.name, [(outcome.name, time.perf_counter() - started)])
        return outcome

    async def _ask(
        self, url: str, *, may_be_absent: bool = False
    ) -> Mapping[str, Any] | CannotTell:
        """Ask something that changes nothing; an empty answer says that it is not there."""
        result = await self._pool.get(url)
        if not isinstance(result, Answered):
            return CannotTell(outcome_without_answer(result))
        if result.status == 200:
            return read_json_object(result.body) or CannotTell(Ambiguous("answer_unreadable"))
        if may_be_absent and result.status == 404:
            return {}
        return CannotTell(classify_plivo_answer(result, self._now()))


def _read_record(value: Mapping[str, Any]) -> SmsRecord | None:
    provider_id = text_at(value, "message_uuid")
    if not is_uuid(provider_id):
        return None
    raw = clean_status(value.get("message_state"))
    code = text_at(value, "error_code")
    units = value.get("units")
    return SmsRecord(
        provider_id=provider_id,
        status=_STATUSES.get(raw, "other"),
        raw_status=raw,
        error_code=code if code.isdecimal() and code.isascii() and code.strip("0") else "",
        segments=units if isinstance(units, int) and 0 < units < 256 else None,
        cost=_read_cost(text_at(value, "total_amount"), raw),
    )


def _read_cost(amount: str, state: str) -> Cost | None:
    """Read what a message cost: Plivo bills in dollars, and says 0 before it knows."""
    try:
        paid = Decimal(amount) if amount and len(amount) < 20 else None
    except InvalidOperation:
        return None
    if paid is None or not paid.is_finite() or paid < 0 or (not paid and state == "queued"):
        return None
    return Cost(paid, "USD")
