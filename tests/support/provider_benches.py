"""Every provider against a server that answers as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Decide, SeenRequest
from support.provider_keys import KEY_ID, TEAM_ID, TOPIC, apple_key, service_account_json
from support.pushes import NOW, make_push

from gtr_jobs.domain.outcome import Outcome, OutcomeName
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.apns import ApnsAccount, ApnsProvider
from gtr_jobs.providers.base import Provider
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.expo import ExpoProvider
from gtr_jobs.providers.fcm import FcmProvider
from gtr_jobs.providers.google_account import read_service_account
from gtr_jobs.providers.key_files import KeyText

TOKEN_PATH = "/token"


def issue_token(number: int = 1, lifetime: float = 3600) -> Answer:
    """Answer as Google's token endpoint does."""
    token = {
        "access_token": f"token-{number}",
        "expires_in": lifetime,
        "token_type": "Bearer",
    }
    return Answer(200, token)


def accept(request: SeenRequest) -> Answer:
    """Answer as the provider that a request is for does when it takes it."""
    if request.path.startswith("/3/device/"):
        return Answer(200, headers={"apns-id": request.headers["apns-id"]})
    if request.path.endswith("/push/send"):
        tickets = [{"status": "ok", "id": f"ticket-{m['to']}"} for m in request.json()]
        return Answer(200, {"data": tickets})
    return Answer(200, {"name": f"projects/gtr-test/messages/{request.json()['message']['token']}"})


@dataclass(slots=True)
class Bench:
    """A provider and the server that it talks to.

    Args:
        kind: The kind of token that the provider serves.
        server: What answers.
        provider: What is tested.
        observed: What it told `observe_attempts`, without the seconds.
        token_requests: What the token endpoint saw.
    """

    kind: TokenKind
    server: AnsweringServer
    provider: Provider
    observed: list[tuple[str, OutcomeName]] = field(default_factory=list)
    token_requests: list[SeenRequest] = field(default_factory=list)

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests that carried pushes."""
        return [request for request in self.server.requests if request.path != TOKEN_PATH]

    def answer(self, *actions: Action, then: Decide = accept) -> None:
        """Set what the next pushes get, and what all later ones do."""
        script = deque(actions)
        self.answer_with(lambda request: script.popleft() if script else then(request))

    def always(self, action: Action) -> None:
        """Set what every push gets."""
        self.answer_with(lambda _: action)

    def answer_with(self, decide: Decide, token: Callable[[int], Action] = issue_token) -> None:
        """Let a function decide what every push gets, and another what every grant does."""

        def dispatch(request: SeenRequest) -> Action:
            if request.path != TOKEN_PATH:
                return decide(request)
            self.token_requests.append(request)
            return token(len(self.token_requests))

        self.server.answer_with(dispatch)

    async def send(self, count: int = 1) -> Sequence[Outcome]:
        """Send pushes to devices 0, 1, 2, ..."""
        return await self.provider.send([make_push(self.kind, n) for n in range(count)])


@asynccontextmanager
async def open_bench(
    kind: TokenKind,
    server: AnsweringServer,
    now: Callable[[], datetime] = lambda: NOW,
    **options: Any,
) -> AsyncIterator[Bench]:
    """Make a bench, and close it after its use.

    Args:
        kind: Which provider.
        server: What answers.
        now: The provider's clock.
        options: For `HttpOptions`, and `environment_is_certain` for APNs.
    """
    observed: list[tuple[str, OutcomeName]] = []

    def observe(provider: str, attempts: Sequence[tuple[OutcomeName, float]]) -> None:
        assert all(0 <= seconds < 60 for _, seconds in attempts)
        observed.extend((provider, outcome) for outcome, _ in attempts)

    certain = options.pop("environment_is_certain", False)
    http = HttpOptions(**{"ca_file": server.ca_file, **options})
    provider: Provider
    match kind:
        case "fcm":
            key = service_account_json(token_uri=server.url + TOKEN_PATH)
            account = read_service_account(KeyText(key, "GTR_FCM_CREDENTIALS_JSON"))
            provider = FcmProvider(account, server.url, http, observe, now=now)
        case "apns":
            apple = ApnsAccount(apple_key(), KEY_ID, TEAM_ID, TOPIC)
            provider = ApnsProvider(
                apple, server.url, http, observe, environment_is_certain=certain, now=now
            )
        case "expo":
            provider = ExpoProvider(None, server.url, http, observe, now=now)
    bench = Bench(kind, server, provider, observed)
    bench.answer_with(accept)
    try:
        yield bench
    finally:
        await provider.close()
