"""Firebase Cloud Messaging, HTTP v1: one request a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import (
    Expired,
    Held,
    Misconfigured,
    Outcome,
    outcome_code,
)
from gtr_jobs.domain.push import DEFAULT_APP, Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.answers import NOT_TEXT, outcome_without_answer
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.evidence import Evidence
from gtr_jobs.providers.exchange import Answered, HttpOptions, Result
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.providers.fcm_answers import (
    INVALID_TOKEN,
    SENDER_MISMATCH,
    WRONG_PROJECT,
    classify_fcm_answer,
    reads_as_expired_login,
)
from gtr_jobs.providers.fcm_message import FcmBody
from gtr_jobs.providers.google_account import ServiceAccount
from gtr_jobs.providers.google_tokens import GoogleTokens
from gtr_jobs.providers.json_text import read_json, write_json
from gtr_jobs.providers.once_per_message import OncePerMessage
from gtr_jobs.providers.pressure import Pressure, account_name
from gtr_jobs.providers.transport import HttpPool

DEFAULT_URL = "https://fcm.googleapis.com"


class FcmProvider:
    """Sends to tokens of kind `fcm`.

    Args:
        account: The Firebase project's service account.
        base_url: FCM, or a stand-in for it.
        options: How to talk to it.
        observe_attempts: Told how pushes ended.
        now: Gives the time.
        app: The app whose devices it serves.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "fcm"
    token_kind: TokenKind = "fcm"  # noqa: S105 - a kind of token, not one

    def __init__(
        self,
        account: ServiceAccount,
        base_url: str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempts: ObserveAttempts = observe_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        app: str = DEFAULT_APP,
    ) -> None:
        self.app = app
        options = replace(options or HttpOptions(), protocol="http2", service=self.name)
        project = quote(account.project_id, safe="")
        self._url = f"{base_url.rstrip('/')}/v1/projects/{project}/messages:send"
        self._account = account
        self._tokens = GoogleTokens(account, options)
        self._pool = HttpPool(options)
        self.pressure = Pressure(account_name(self.name, app), self._pool.width)
        self._evidence = Evidence(
            ours_when_many={SENDER_MISMATCH: WRONG_PROJECT},
            dead_when_few=frozenset({SENDER_MISMATCH, INVALID_TOKEN}),
        )
        self._token = ""
        self._observe_attempts = observe_attempts
        self._now = now

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Send pushes; see `Provider.send`."""
        if (held := self.pressure.why_not()) is not None:
            return [held] * len(pushes)
        token = await self._tokens.get()
        if not isinstance(token, str):
            outcome = self.pressure.note(token)
            self.pressure.judge([outcome])
            return [outcome] * len(pushes)
        self._authorize(token)
        now = self._now()
        bodies = OncePerMessage(lambda message, badge: FcmBody(message, badge, now))

        async def send_one(push: Push) -> tuple[Outcome, float]:
            started = time.perf_counter()
            outcome = await self._send_one(push, bodies.get(push), now)
            return outcome, time.perf_counter() - started

        attempts = await do_each(pushes, send_one, self._pool.width)
        outcomes = self._evidence.settle(pushes, [outcome for outcome, _ in attempts])
        self.pressure.judge(outcomes)
        self._observe_attempts(
            self.name,
            [
                (outcome.name, seconds)
                for outcome, (_, seconds) in zip(outcomes, attempts, strict=True)
                if not isinstance(outcome, Held)
            ],
        )
        return outcomes

    async def validate(self, push: Push) -> Outcome:
        """Have a push checked and not sent; see `Validator.validate`."""
        token = await self._tokens.get()
        if not isinstance(token, str):
            return token
        self._authorize(token)
        try:
            body = FcmBody(push.message, push.badge, self._now()).for_token(push.target.token)
        except UnicodeEncodeError:
            return NOT_TEXT
        return await self._send_body(write_json({**read_json(body), "validate_only": True}))

    async def check(self) -> None:
        """Get an access token; see `Provider.check`."""
        token = await self._tokens.get()
        if isinstance(token, str):
            return
        code = outcome_code(token)
        if isinstance(token, Misconfigured) and token.code == "proxy_login_refused":
            raise ConfigurationError(
                "GTR_PROXY: the proxy refuses the name and password in it", "correct them"
            )
        if isinstance(token, Misconfigured):
            raise ConfigurationError(
                f"{self._account.source}: Google gives no access token ({code})",
                "the key may have been deleted, or this machine's clock may be wrong",
            )
        raise TryAgainError(
            f"Google gives no access token now ({code})", f"is {self._account.token_uri} reachable?"
        )

    async def close(self) -> None:
        """Close all connections; see `Provider.close`."""
        await self._tokens.close()
        await self._pool.close()

    def _authorize(self, token: str) -> None:
        self._pool.use_headers(
            {"authorization": f"Bearer {token}", "content-type": "application/json"}
        )
        self._token = token

    async def _send_one(self, push: Push, body: FcmBody | None, now: datetime) -> Outcome:
        if push.message.expires_at <= now:
            return Expired()
        if body is None:
            return NOT_TEXT
        return await self.pressure.ask(self._send_body, body.for_token(push.target.token))

    async def _send_body(self, body: bytes) -> Outcome:
        token = self._token
        result: Result = await self._pool.post(self._url, body)
        if isinstance(result, Answered) and reads_as_expired_login(result):
            renewed = await self._tokens.renew(rejected=token)
            if not isinstance(renewed, str):
                return renewed
            self._authorize(renewed)
            result = await self._pool.post(self._url, body)
        if isinstance(result, Answered):
            return classify_fcm_answer(result, self._now())
        return outcome_without_answer(result)
