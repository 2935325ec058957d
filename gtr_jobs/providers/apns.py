"""Apple Push Notification service: one request a device, over HTTP/2."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import (
    Accepted,
    DeadTarget,
    Expired,
    Held,
    Misconfigured,
    Outcome,
    Rejected,
)
from gtr_jobs.domain.push import DEFAULT_APP, Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.answers import NOT_TEXT, outcome_without_answer
from gtr_jobs.providers.apns_answers import (
    BAD_TOKEN,
    NEEDS_NEW_CONNECTION,
    OTHER_ENVIRONMENT,
    OTHER_TOPIC,
    SETTINGS,
    classify_apns_answer,
    read_reason,
)
from gtr_jobs.providers.apns_hosts import DEFAULT_URL, ApnsHosts, Host, open_hosts
from gtr_jobs.providers.apns_message import PUSH_TYPE, apns_headers, write_apns_body
from gtr_jobs.providers.apns_tokens import ApnsTokens
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.evidence import Evidence
from gtr_jobs.providers.exchange import Answered, HttpOptions, Result
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.providers.once_per_message import OncePerMessage
from gtr_jobs.providers.pressure import Pressure, account_name

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
        app: What settings call the app.
        key_settings: What the settings of the key begin with, for error messages.
        topic_setting: The setting that holds the bundle id.

    Raises:
        ConfigurationError: An id does not look like one; names the setting.
    """

    key: EllipticCurvePrivateKey
    key_id: str
    team_id: str
    topic: str
    app: str = DEFAULT_APP
    key_settings: str = "GTR_"
    topic_setting: str = "GTR_APNS_TOPIC"

    def __post_init__(self) -> None:
        for setting, value in (("KEY_ID", self.key_id), ("TEAM_ID", self.team_id)):
            if not _TEN_SIGNS.fullmatch(value):
                raise ConfigurationError(
                    f"{self.key_settings}APNS_{setting}: not ten capital letters and digits",
                    "copy it from developer.apple.com",
                )
        if not _BUNDLE_ID.fullmatch(self.topic):
            raise ConfigurationError(
                f"{self.topic_setting}: not a bundle id", "it looks like com.example.app"
            )


class ApnsProvider:
    """Sends to tokens of kind `apns`.

    A token of Apple's other host is refused as BadDeviceToken like one that never was. Where it is
    not known whose a device's token is, the other host is asked once, and an acceptance there says
    so. A token that is refused for good where it must be known is a dead device; where it might be
    the other host's, it is refused but not given up.

    Args:
        account: Our key and app.
        hosts: Apple's hosts, or stand-ins for them; one URL is a single host.
        options: How to talk to them.
        observe_attempts: Told how pushes ended.
        environment_is_certain: Whether all tokens are known to belong to the first host.
        now: Gives the time.
        tokens: What signs, where apps of one team share it; made from `account` otherwise.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "apns"
    token_kind: TokenKind = "apns"  # noqa: S105 - a kind of token, not one

    def __init__(
        self,
        account: ApnsAccount,
        hosts: ApnsHosts | str = DEFAULT_URL,
        options: HttpOptions | None = None,
        observe_attempts: ObserveAttempts = observe_nothing,
        *,
        environment_is_certain: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tokens: ApnsTokens | None = None,
    ) -> None:
        self.app = account.app
        self._topic = account.topic
        self._tokens = tokens or ApnsTokens(account.key, account.key_id, account.team_id)
        self._hosts = open_hosts(
            ApnsHosts(hosts) if isinstance(hosts, str) else hosts, options or HttpOptions()
        )
        width = self._hosts[0].pool.width
        self.pressure = Pressure(account_name(self.name, self.app), width)
        self._environment_is_certain = environment_is_certain
        self._other_takes_our_key = True
        dead_when_few = {OTHER_TOPIC, BAD_TOKEN} if environment_is_certain else {OTHER_TOPIC}
        self._evidence = Evidence(
            ours_when_many={code: SETTINGS[code] for code in (BAD_TOKEN, OTHER_TOPIC)},
            dead_when_few=frozenset(dead_when_few),
        )
        self._observe_attempts = observe_attempts
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

        attempts = await do_each(pushes, send_one, self._hosts[0].pool.width)
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

    async def check(self) -> None:
        """Sign a token; Apple has nothing to ask without sending. See `Provider.check`."""
        self._tokens.header()

    async def close(self) -> None:
        """Close all connections; see `Provider.close`."""
        for host in self._hosts:
            await host.pool.close()

    def _authorize(self, header: str) -> None:
        self._header = header
        for host in self._hosts:
            host.pool.use_headers(
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

        async def ask(push: Push) -> Outcome:
            return await self._ask_hosts(push, body)

        return await self.pressure.ask(ask, push)

    async def _ask_hosts(self, push: Push, body: bytes) -> Outcome:
        """Ask the host that is known to be the token's, or the first and then perhaps the other."""
        known = push.target.apns_environment
        home = next((host for host in self._hosts if host.environment == known), None)
        outcome = await self._ask(home or self._hosts[0], push, body)
        if outcome != Rejected(BAD_TOKEN):
            return outcome
        if self._environment_is_certain or home is not None:
            return DeadTarget(BAD_TOKEN)
        if known is None and len(self._hosts) > 1 and self._other_takes_our_key:
            return await self._ask_other(self._hosts[1], push, body)
        return outcome

    async def _ask_other(self, host: Host, push: Push, body: bytes) -> Outcome:
        """Ask the other host for a token that the first does not know."""
        outcome = await self._ask(host, push, body)
        match outcome:
            case Accepted(provider_id=provider_id):
                return Accepted(provider_id, host.environment)
            case Rejected(code=code) if code == BAD_TOKEN:
                return DeadTarget(BAD_TOKEN)
            case Misconfigured(code=code):
                # It is not for this key to say; and many refusals would cost us the connection.
                self._other_takes_our_key = code != OTHER_ENVIRONMENT
                return Rejected(BAD_TOKEN)
            case _:
                return outcome

    async def _ask(self, host: Host, push: Push, body: bytes) -> Outcome:
        url, headers, header = host.url + push.target.token, apns_headers(push), self._header
        result: Result = await host.pool.post(url, body, headers)
        if isinstance(result, Answered) and self._is_worth_another(result, header, host):
            result = await host.pool.post(url, body, headers)
        if not isinstance(result, Answered):
            return outcome_without_answer(result)
        if result.status != 200:
            self._take_hint(result, host)
        return classify_apns_answer(result, push, self._now())

    def _is_worth_another(self, answered: Answered, header: str, host: Host) -> bool:
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
                host.pool.retire(answered.connection)
                return True
            case _:
                return False

    def _take_hint(self, answered: Answered, host: Host) -> None:
        reason = read_reason(answered)
        if reason in NEEDS_NEW_CONNECTION:
            host.pool.retire(answered.connection)
        elif reason == "TooManyProviderTokenUpdates":
            self._tokens.hold()
