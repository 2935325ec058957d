"""Expo's push service: a hundred messages a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import Accepted, Ambiguous, Expired, Held, Outcome, Rejected, Retry
from gtr_jobs.domain.push import DEFAULT_APP, Push
from gtr_jobs.domain.receipt import Receipt
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.answers import NOT_TEXT, outcome_without_answer
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.exchange import Answered, HttpOptions
from gtr_jobs.providers.expo_answers import Split, Tickets, Together, classify_expo_answer
from gtr_jobs.providers.expo_message import ExpoBody
from gtr_jobs.providers.expo_receipts import ReceiptReader
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.providers.once_per_message import OncePerMessage
from gtr_jobs.providers.pressure import Pressure, account_name
from gtr_jobs.providers.transport import HttpPool

DEFAULT_URL = "https://exp.host"

MESSAGES_A_REQUEST = 100
# "No more than six connections at a time."
_CONNECTIONS = 6


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message that can be sent."""

    index: int
    token: str
    content: bytes


class ExpoProvider:
    """Sends to tokens of kind `expo`.

    Accepted means that Expo has taken it; whether FCM or APNs did is told later, in a receipt.

    Args:
        access_token: For projects with enhanced security.
        base_url: Expo's push service, or a stand-in for it.
        options: How to talk to it.
        observe_attempts: Told how pushes ended.
        now: Gives the time.
        app: The app whose devices it serves.
        token_setting: The setting that holds the access token, for error messages.

    Raises:
        ConfigurationError: The access token cannot be one, or the file of certificate authorities
            cannot be used.
    """

    name = "expo"
    token_kind: TokenKind = "expo"  # noqa: S105 - a kind of token, not one

    def __init__(
        self,
        access_token: str | None = None,
        base_url: str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempts: ObserveAttempts = observe_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        app: str = DEFAULT_APP,
        token_setting: str = "GTR_EXPO_ACCESS_TOKEN",  # noqa: S107 - a setting's name
    ) -> None:
        self.app = app
        headers = {"content-type": "application/json", "accept": "application/json"}
        if access_token:
            if not (access_token.isascii() and access_token.isprintable()) or " " in access_token:
                raise ConfigurationError(
                    f"{token_setting}: not an access token", "copy it from expo.dev again"
                )
            headers["authorization"] = f"Bearer {access_token}"
        base_url = base_url.rstrip("/")
        self._url = f"{base_url}/--/api/v2/push/send"
        self._pool = HttpPool(
            (options or HttpOptions()).over_http1(self.name, _CONNECTIONS), headers
        )
        self._receipts = ReceiptReader(self._pool, base_url, _CONNECTIONS, now)
        self.pressure = Pressure(account_name(self.name, app), self._pool.width)
        self._observe_attempts = observe_attempts
        self._now = now

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Send pushes; see `Provider.send`."""
        now = self._now()
        bodies = OncePerMessage(lambda message, badge: ExpoBody(message, badge, now))
        outcomes: dict[int, Outcome] = {}
        ready: list[_Ready] = []
        for index, push in enumerate(pushes):
            if push.message.expires_at <= now:
                outcomes[index] = Expired()
            elif (body := bodies.get(push)) is None:
                outcomes[index] = NOT_TEXT
            else:
                token = push.target.token
                ready.append(_Ready(index, token, body.for_token(token)))
        requests = [
            ready[start : start + MESSAGES_A_REQUEST]
            for start in range(0, len(ready), MESSAGES_A_REQUEST)
        ]
        for sent in await do_each(requests, self._send_timed, _CONNECTIONS):
            outcomes |= sent
        settled = [outcomes[index] for index in range(len(pushes))]
        self.pressure.judge(settled)
        return settled

    async def read_receipts(self, provider_ids: Sequence[str]) -> Mapping[str, Receipt]:
        """Read what became of pushes; see `ReceiptSource.read_receipts`."""
        return await self._receipts.read(provider_ids)

    async def check(self) -> None:
        """Do nothing: Expo needs no key, and says nothing of one before a push. See `Provider`."""

    async def close(self) -> None:
        """Close all connections; see `Provider.close`."""
        await self._pool.close()

    async def _send_timed(self, messages: list[_Ready]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        seconds = 0.0

        async def ask(messages: list[_Ready]) -> Outcome:
            nonlocal outcomes, seconds
            started = time.perf_counter()
            outcomes = await self._send_request(messages)
            seconds = time.perf_counter() - started
            return _most_telling(outcomes)

        told = await self.pressure.ask(ask, messages)
        if isinstance(told, Held):
            return _all(messages, told)
        for index, outcome in outcomes.items():
            if isinstance(told, Retry | Ambiguous) and isinstance(outcome, Retry | Ambiguous):
                outcomes[index] = replace(outcome, in_trouble=told.in_trouble)
        self._observe_attempts(
            self.name, [(outcome.name, seconds) for outcome in outcomes.values()]
        )
        return outcomes

    async def _send_request(self, messages: list[_Ready]) -> dict[int, Outcome]:
        body = b"[" + b",".join(message.content for message in messages) + b"]"
        result = await self._pool.post(self._url, body)
        if not isinstance(result, Answered):
            return _all(messages, outcome_without_answer(result))
        verdict = classify_expo_answer(result, len(messages), self._now())
        match verdict:
            case Tickets(outcomes=outcomes):
                return {
                    message.index: outcome
                    for message, outcome in zip(messages, outcomes, strict=True)
                }
            case Together(outcome=outcome):
                return _all(messages, outcome)
            case Split():
                return await self._send_parts(messages, verdict)
            case _:
                assert_never(verdict)

    async def _send_parts(self, messages: list[_Ready], split: Split) -> dict[int, Outcome]:
        """Send a refused request again in parts, until what is wrong with it stands alone.

        A request of n messages becomes fewer than 2 n this way, whatever is wrong.
        """
        if len(messages) == 1:
            return _all(messages, Rejected(split.code))
        outcomes: dict[int, Outcome] = {}
        for part in _parts(messages, split.groups):
            outcomes |= await self._send_request(part)
        return outcomes


def _most_telling(outcomes: dict[int, Outcome]) -> Outcome:
    """Give the outcome that says most of the account: where Expo took one message, it is well."""
    first = next(iter(outcomes.values()))
    return next((one for one in outcomes.values() if isinstance(one, Accepted)), first)


def _all(messages: list[_Ready], outcome: Outcome) -> dict[int, Outcome]:
    return {message.index: outcome for message in messages}


def _parts(messages: list[_Ready], groups: tuple[frozenset[str], ...]) -> list[list[_Ready]]:
    """Divide messages by the groups of their tokens, or into halves where that divides nothing."""
    parts: list[list[_Ready]] = []
    rest = messages
    for group in groups:
        parts.append([message for message in rest if message.token in group])
        rest = [message for message in rest if message.token not in group]
    parts = [part for part in (*parts, rest) if part]
    if len(parts) > 1:
        return parts
    middle = len(messages) // 2
    return [messages[:middle], messages[middle:]]
