"""Twilio: messages written by its own library, carried by our connections."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException
from twilio.base.values import unset
from twilio.rest import Client

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import Accepted, Ambiguous, Expired, Held, Misconfigured, Outcome
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.sms import Absent, CannotTell, Finding, Found, SmsMessage
from gtr_jobs.providers.answers import outcome_without_answer
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.exchange import Answered, HttpOptions
from gtr_jobs.providers.one_message import ask_for_one
from gtr_jobs.providers.pressure import Pressure, account_name
from gtr_jobs.providers.transport import HttpPool
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin
from gtr_jobs.providers.twilio_answers import classify_twilio_answer
from gtr_jobs.providers.twilio_http import NoSuccessError, TwilioHttpClient
from gtr_jobs.providers.twilio_records import is_of_ours, is_sid, read_record, was_before

DEFAULT_URL = "https://api.twilio.com"

# Of one number, after one attempt: more than these are not looked through.
_PAGE = 100
_MOST_PAGES = 10
# Three hundred a second at 150 ms each; an account that may do less at a time says so, and the window shrinks.
_CONNECTIONS = 50

# What the library makes of an answer that is none of Twilio's.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TwilioException,
    TypeError,
    ValueError,
)

Told = TypeVar("Told")


class TwilioProvider:
    """Sends text messages by Twilio.

    Args:
        account: Who sends.
        base_url: Twilio's API, or a stand-in for it.
        options: How to talk to it.
        observe_attempts: Told how messages ended.
        now: Gives the time.
        app: The app whose messages it sends.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "twilio"

    def __init__(
        self,
        account: TwilioAccount,
        base_url: str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempts: ObserveAttempts = observe_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        app: str = DEFAULT_APP,
    ) -> None:
        self.app = app
        self._account = account
        options = options or HttpOptions()
        self._pool = HttpPool(options.over_http1(self.name, min(options.connections, _CONNECTIONS)))
        http = TwilioHttpClient(self._pool, base_url)
        self._clients = [_make_client(account, login, base_url, http) for login in account.logins]
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

        Twilio can only be asked for the day that a message was sent on, which one in its queue does
        not have: so all are listed, newest first, until they are older than the attempt.
        """

        async def search(client: Any) -> Finding:
            page = await client.messages.page_async(to=message.to, page_size=_PAGE)
            for _ in range(_MOST_PAGES):
                records = list(page)
                for record in records:
                    if is_of_ours(record, message, since) and self._is_by_us(record):
                        found = read_record(record)
                        if found is not None and found.provider_id not in known:
                            return Found(found)
                if not page.next_page_url or all(was_before(each, since) for each in records):
                    return Absent()
                page = await page.next_page_async()
            return CannotTell(Ambiguous("list_too_long"))

        return await self._look(search)

    async def read(self, provider_id: str) -> Finding:
        """Read a message's record; see `SmsProvider.read`."""
        if not is_sid(provider_id):
            return Absent()

        async def fetch(client: Any) -> Finding:
            record = read_record(await client.messages(provider_id).fetch_async())
            return CannotTell(Ambiguous("answer_unreadable")) if record is None else Found(record)

        return await self._look(fetch, absent_status=404)

    async def check(self) -> None:
        """List one message, as reconciling does; see `MessageProvider.check`."""

        async def ask(client: Any) -> Finding:
            await client.messages.page_async(page_size=1)
            return Absent()

        finding = await self._look(ask)
        if not isinstance(finding, CannotTell):
            return
        cause = finding.cause
        if isinstance(cause, Misconfigured):
            raise ConfigurationError(f"Twilio refuses our login ({cause.code})", cause.detail)
        code = getattr(cause, "code", cause.name)
        raise TryAgainError(f"Twilio cannot be asked now ({code})", "try again")

    async def close(self) -> None:
        """Close all connections; see `MessageProvider.close`."""
        await self._pool.close()

    async def _send_timed(self, message: SmsMessage) -> Outcome:
        started = time.perf_counter()
        outcome = await self._send_one(message)
        if not isinstance(outcome, Held):
            self._observe_attempts(self.name, [(outcome.name, time.perf_counter() - started)])
        return outcome

    async def _send_one(self, message: SmsMessage) -> Outcome:
        # What is left now, not before waiting for its turn.
        seconds = message.seconds_left(self._now())
        if seconds <= 0:
            return Expired()

        async def create(client: Any) -> Outcome:
            record = read_record(
                await client.messages.create_async(
                    to=message.to,
                    body=message.body,
                    from_=self._account.sender or unset,
                    messaging_service_sid=self._account.messaging_service or unset,
                    status_callback=message.callback_url or unset,
                    validity_period=seconds,
                )
            )
            if record is None:
                return Ambiguous("answer_unreadable")
            return Accepted(record.provider_id, segments=record.segments, cost=record.cost)

        try:
            return await self._with_login(create)
        except NoSuccessError as error:
            return self._outcome_of(error)
        except _UNREADABLE:
            return Ambiguous("answer_unreadable")

    async def _look(
        self, ask: Callable[[Any], Awaitable[Finding]], absent_status: int | None = None
    ) -> Finding:
        """Ask something that changes nothing."""
        try:
            return await self._with_login(ask)
        except NoSuccessError as error:
            if isinstance(error.result, Answered) and error.result.status == absent_status:
                return Absent()
            return CannotTell(self._outcome_of(error))
        except _UNREADABLE:
            return CannotTell(Ambiguous("answer_unreadable"))

    async def _with_login(self, ask: Callable[[Any], Awaitable[Told]]) -> Told:
        """Ask with one login after the other; the one that is let in is asked with first from then on."""
        *others, last = self._clients
        for client in others:
            try:
                return await ask(client)
            except NoSuccessError as error:
                # Certainly nothing was done for somebody who was not let in.
                if not (isinstance(error.result, Answered) and error.result.status == 401):
                    raise
        told = await ask(last)
        # Whoever else asks meanwhile may have said the same.
        self._clients.sort(key=lambda client: client is not last)
        return told

    def _outcome_of(self, error: NoSuccessError) -> Outcome:
        if isinstance(error.result, Answered):
            if error.result.status < 300:
                return Ambiguous("answer_unreadable")
            return classify_twilio_answer(error.result, self._now())
        return outcome_without_answer(error.result)

    def _is_by_us(self, record: Any) -> bool:
        if self._account.messaging_service:
            return record.messaging_service_sid in {None, self._account.messaging_service}
        return bool(record.from_ == self._account.sender)


def _make_client(
    account: TwilioAccount, login: TwilioLogin, base_url: str, http: TwilioHttpClient
) -> Any:
    client = Client(
        login.username,
        login.password,
        account.sid,
        http_client=http,
        # The library would read the environment for what is not given here.
        environment={"TWILIO_EDGE": ""},
    )
    client.api.base_url = base_url.rstrip("/")
    return client
