"""Google access tokens: asked for ahead of their end by one task, and shared by everybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from gtr_jobs.domain.outcome import Misconfigured, Retry, Throttled
from gtr_jobs.domain.retry_after import parse_retry_after
from gtr_jobs.providers.answers import clean_code, read_json_object
from gtr_jobs.providers.exchange import Answered, HttpOptions, NotSent
from gtr_jobs.providers.google_account import ServiceAccount
from gtr_jobs.providers.transport import HttpPool

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# A token is replaced in this last part of its life, while it still works.
_AHEAD_SHARE = 0.15
_DEFAULT_LIFETIME = 3600.0
_LONGEST_LIFETIME = 24 * 3600.0
_PAUSE = 60.0

# How long nobody asks again after a refusal, which many sends at once would only repeat.
_AFTER_FAULT = 2.0
_AFTER_REFUSAL = 10.0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that Google issued.

    Args:
        value: The secret.
        renew_at: When to ask for the next one (monotonic seconds).
        ends_at: When it stops working (monotonic seconds).
    """

    value: str = field(repr=False)
    renew_at: float
    ends_at: float


NoToken = Misconfigured | Retry | Throttled


class GoogleTokens:
    """Gives access tokens of a service account.

    google-auth's own refresh blocks a thread, for up to two minutes and with hidden retries; here
    the same exchange goes over the pool and its deadlines, and ends when the daemon ends.

    Args:
        account: Whose tokens.
        options: How to talk to the token endpoint; HTTP/1.1 and HTTP/2 both do.
        clock: Monotonic seconds.
        sleep: Lets seconds of that clock pass.
    """

    def __init__(
        self,
        account: ServiceAccount,
        options: HttpOptions,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._pool = HttpPool(
            replace(
                options,
                protocol="negotiated",
                connections=1,
                warm_up=False,
                service="google_oauth",
            ),
            {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
        )
        self._clock = clock
        self._sleep = sleep
        self._token: AccessToken | None = None
        self._asking: asyncio.Task[AccessToken | NoToken] | None = None
        self._refusal: NoToken | None = None
        self._ask_again_from = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def get(self) -> str | NoToken:
        """Give a token that works, or say how every push ends without one."""
        token = self._token
        if token is None or self._clock() >= token.ends_at:
            return await self._ask()
        return token.value

    async def renew(self, rejected: str) -> str | NoToken:
        """Give another token than one that was refused; asks for it unless somebody else has."""
        token = self._token
        if token is not None and token.value != rejected:
            return token.value
        return await self._ask()

    async def close(self) -> None:
        """Stop asking; whoever waits is told to try again."""
        await self._pool.close()
        if self._asking is not None:
            await asyncio.wait([self._asking])
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])

    async def _ask(self) -> str | NoToken:
        if self._refusal is not None and self._clock() < self._ask_again_from:
            return self._refusal
        # Whoever waits may be cancelled; the others still want the answer.
        answer = await asyncio.shield(self._start_asking())
        return answer.value if isinstance(answer, AccessToken) else answer

    async def _renew_ahead(self) -> None:
        """Get the next token while this one still works, again and again; ends when none works."""
        while (token := self._token) is not None and self._clock() < token.ends_at:
            due = max(token.renew_at, self._ask_again_from)
            await self._sleep(max(0.0, due - self._clock()))
            await asyncio.wait([self._start_asking()])

    def _start_asking(self) -> asyncio.Task[AccessToken | NoToken]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._exchange_grant())
        return self._asking

    async def _exchange_grant(self) -> AccessToken | NoToken:
        form = {"grant_type": _GRANT, "assertion": self._account.sign_grant()}
        asked_at = self._clock()
        result = await self._pool.post(self._account.token_uri, urlencode(form).encode())
        if isinstance(result, Answered):
            answer = self._read(result, asked_at)
        elif result == NotSent("tls_untrusted"):
            answer = Misconfigured("tls_untrusted", "see GTR_CA_FILE")
        elif result == NotSent("proxy_login_refused"):
            answer = Misconfigured("proxy_login_refused", "see GTR_PROXY")
        else:
            # No push has been sent, so nothing about it is in doubt.
            answer = Retry(f"token_{result.code}")
        self._remember(answer)
        return answer

    def _remember(self, answer: AccessToken | NoToken) -> None:
        match answer:
            case AccessToken():
                self._token, self._refusal = answer, None
                if self._renewing is not None:
                    self._renewing.cancel()
                self._renewing = asyncio.get_running_loop().create_task(self._renew_ahead())
                return
            case Throttled(retry_after=seconds):
                pause = seconds
            case Retry(retry_after=seconds):
                pause = _AFTER_FAULT if seconds is None else seconds
            case Misconfigured():
                pause = _AFTER_REFUSAL
        self._refusal = answer
        self._ask_again_from = self._clock() + pause

    def _read(self, answered: Answered, asked_at: float) -> AccessToken | NoToken:
        answer = read_json_object(answered.body)
        if answered.status == 200:
            return _read_token(answer, asked_at)
        code = clean_code(answer.get("error"), f"token_http_{answered.status}")
        pause = parse_retry_after(answered.headers.get("retry-after"), datetime.now(UTC))
        if answered.status == 429:
            return Throttled(code, _PAUSE if pause is None else pause)
        if answered.status >= 500 or answered.status == 408:
            return Retry(code, pause)
        return Misconfigured(code, f"{self._account.source} is refused by Google")


def _read_token(answer: Mapping[str, Any], asked_at: float) -> AccessToken | Retry:
    value, lifetime = answer.get("access_token"), answer.get("expires_in")
    if not (isinstance(value, str) and value and value.isascii() and value.isprintable()):
        return Retry("token_answer_unreadable")
    seconds = _DEFAULT_LIFETIME
    if isinstance(lifetime, int | float) and 0 < lifetime <= _LONGEST_LIFETIME:
        seconds = float(lifetime)
    return AccessToken(
        value, renew_at=asked_at + seconds * (1 - _AHEAD_SHARE), ends_at=asked_at + seconds
    )
