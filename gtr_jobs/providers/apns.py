"""Apple Push Notification service: one request a device, over HTTP/2."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import DeadTarget, Expired, Outcome, Rejected
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.answers import NOT_TEXT, outcome_without_answer
from gtr_jobs.providers.apns_answers import (
    BAD_TOKEN,
    NEEDS_NEW_CONNECTION,
    OTHER_TOPIC,
    SETTINGS,
    classify_apns_answer,
    read_reason,
)
from gtr_jobs.providers.apns_message import PUSH_TYPE, apns_headers, write_apns_body
from gtr_jobs.providers.apns_tokens import ApnsTokens
from gtr_jobs.providers.base import ObserveAttempt, observe_nothing
from gtr_jobs.providers.evidence import Evidence
from gtr_jobs.providers.exchange import Answered, HttpOptions, Result
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.providers.once_per_message import OncePerMessage
from gtr_jobs.providers.transport import HttpPool

DEFAULT_URL = "https://api.push.apple.com"
SANDBOX_URL = "https://api.sandbox.push.apple.com"

_TEN_SIGNS = re.compile(r"[A-Z0-9]{10}")
_BUNDLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,154}")


@dataclass(frozen=True, slots=True)
class ApnsAccount:
    """Who we are to Apple, and for which app we speak.

    Args:
        key: The signing key.
        key_id: Its id, ten signs.
        team_id: The team's id, ten signs.
        topic: The app's bundle id.

    Raises:
        ConfigurationError: An id does not look like one; names the setting.
    """

    key: EllipticCurvePrivateKey
    key_id: str
    team_id: str
    topic: str

    def __post_init__(self) -> None:
        for setting, value in (("KEY_ID", self.key_id), ("TEAM_ID", self.team_id)):
            if not _TEN_SIGNS.fullmatch(value):
                raise ConfigurationError(
                    f"GTR_APNS_{setting}: not ten capital letters and digits",
                    "copy it from developer.apple.com",
                )
        if not _BUNDLE_ID.fullmatch(self.topic):
            raise ConfigurationError(
                "GTR_APNS_TOPIC: not a bundle id", "it looks like com.example.app"
            )


class ApnsProvider:
    """Sends to tokens of kind `apns`.

    A token of Apple's other host is refused as BadDeviceToken like one that never was. Unless
    `environment_is_certain`, such a token is refused but not given up.

    Args:
        account: Our key and app.
        base_url: Apple's host for the tokens' environment, or a stand-in for it.
        options: How to talk to it.
        observe_attempt: Told how every push ended.
        environment_is_certain: Whether all tokens are known to belong to `base_url`.
        now: Gives the time.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "apns"
    token_kind: TokenKind = "apns"  # noqa: S105 - a kind of token, not one

    def __init__(
        self,
        account: ApnsAccount,
        base_url: str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempt: ObserveAttempt = observe_nothing,
        *,
        environment_is_certain: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/3/device/"
        self._topic = account.topic
        self._tokens = ApnsTokens(account.key, account.key_id, account.team_id)
        self._pool = HttpPool(replace(options or HttpOptions(), protocol="http2", warm_up=True))
        self._environment_is_certain = environment_is_certain
        dead_when_few = {OTHER_TOPIC, BAD_TOKEN} if environment_is_certain else {OTHER_TOPIC}
        self._evidence = Evidence(
            ours_when_many={code: SETTINGS[code] for code in (BAD_TOKEN, OTHER_TOPIC)},
            dead_when_few=frozenset(dead_when_few),
        )
        self._observe_attempt = observe_attempt
        self._now = now
        self._header = ""

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Send pushes; see `Provider.send`."""
        self._authorize(self._tokens.header())
        now = self._now()
        bodies = OncePerMessage(write_apns_body)

        async def send_one(push: Push) -> tuple[Outcome, float]:
            started = time.perf_counter()
            outcome = await self._send_one(push, bodies.get(push), now)
            return outcome, time.perf_counter() - started

        attempts = await do_each(pushes, send_one, self._pool.width)
        outcomes = self._evidence.settle(outcome for outcome, _ in attempts)
        for outcome, (_, seconds) in zip(outcomes, attempts, strict=True):
            self._observe_attempt(self.name, outcome.name, seconds)
        return outcomes

    async def check(self) -> None:
        """Sign a token; Apple has nothing to ask without sending. See `Provider.check`."""
        self._tokens.header()

    async def close(self) -> None:
        """Close all connections; see `Provider.close`."""
        await self._pool.close()

    def _authorize(self, header: str) -> None:
        self._header = header
        self._pool.use_headers(
            {
                "authorization": header,
                "apns-topic": self._topic,
                "apns-push-type": PUSH_TYPE,
                "content-type": "application/json",
            }
        )

    async def _send_one(self, push: Push, body: bytes | None, now: datetime) -> Outcome:
        if push.message.expires_at <= now:
            return Expired()
        if body is None:
            return NOT_TEXT
        token = push.target.token
        if not (token.isascii() and token.isalnum()):
            # Nothing but hexadecimal signs gets into a path.
            return Rejected(BAD_TOKEN)
        header = self._header
        headers = apns_headers(push)
        result: Result = await self._pool.post(self._url + token, body, headers)
        if isinstance(result, Answered) and self._is_worth_another(result, header):
            result = await self._pool.post(self._url + token, body, headers)
        if not isinstance(result, Answered):
            return outcome_without_answer(result)
        if result.status != 200:
            self._take_hint(result)
        return self._classify(result, push)

    def _is_worth_another(self, answered: Answered, header: str) -> bool:
        """Mend what a refusal complains of; whether the push is to be sent again at once."""
        if answered.status != 403:
            return False
        match read_reason(answered):
            case "ExpiredProviderToken":
                replaced = self._tokens.replace(rejected=header)
                if replaced is None:
                    return False
                self._authorize(replaced)
                return True
            case "UnrelatedKeyIdInToken":
                self._pool.retire(answered.connection)
                return True
            case _:
                return False

    def _take_hint(self, answered: Answered) -> None:
        reason = read_reason(answered)
        if reason in NEEDS_NEW_CONNECTION:
            self._pool.retire(answered.connection)
        elif reason == "TooManyProviderTokenUpdates":
            self._tokens.hold()

    def _classify(self, answered: Answered, push: Push) -> Outcome:
        outcome = classify_apns_answer(answered, push, self._now())
        if self._environment_is_certain and outcome == Rejected(BAD_TOKEN):
            return DeadTarget(BAD_TOKEN)
        return outcome
