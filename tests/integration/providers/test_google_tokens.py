"""Access tokens of a Google service account, from a token endpoint that may say anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Drop, Stall
from support.provider_benches import issue_token
from support.provider_keys import google_key, service_account_json, to_public_pem

from gtr_jobs.domain.outcome import Misconfigured, Outcome, Retry, Throttled
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.google_account import SCOPE, read_service_account
from gtr_jobs.providers.google_tokens import GoogleTokens
from gtr_jobs.providers.key_files import KeyText


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleeping: list[tuple[float, asyncio.Event]] = []

    def tell(self) -> float:
        """Say what time it is."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        over = asyncio.Event()
        self._sleeping.append((self.now + seconds, over))
        await over.wait()

    def let_pass(self, seconds: float) -> None:
        """Let time pass, and wake who slept until then."""
        self.now += seconds
        for until, over in self._sleeping:
            if until <= self.now:
                over.set()


@asynccontextmanager
async def open_tokens(
    server: AnsweringServer, clock: Clock | None = None, **options: Any
) -> AsyncIterator[GoogleTokens]:
    """Make what gives tokens, and close it after its use."""
    clock = clock or Clock()
    key = service_account_json(token_uri=server.url + "/token")
    tokens = GoogleTokens(
        read_service_account(KeyText(key, "GTR_FCM_CREDENTIALS_FILE: key.json")),
        HttpOptions(**{"ca_file": server.ca_file, **options}),
        clock.tell,
        clock.sleep,
    )
    try:
        yield tokens
    finally:
        await tokens.close()


async def test_a_grant_is_signed_for_google(answering_server: AnsweringServer) -> None:
    """The claim names the account, the scope and Google, and is signed with the account's key."""
    answering_server.answer(issue_token())
    async with open_tokens(answering_server) as tokens:
        assert await tokens.get() == "token-1"
    (request,) = answering_server.requests
    assert (request.method, request.path) == ("POST", "/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        to_public_pem(google_key()),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
    )
    assert claims["iss"] == "worker@gtr-test.iam.gserviceaccount.com"
    assert claims["scope"] == SCOPE
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_token_is_asked_for_once_by_everybody(answering_server: AnsweringServer) -> None:
    """However many need one at the same time, Google is asked once."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, issue_token().body, after=held))
    async with open_tokens(answering_server) as tokens:
        waiting = [asyncio.create_task(tokens.get()) for _ in range(20)]
        await answering_server.saw(1)
        waiting[0].cancel()
        held.set()
        assert await asyncio.gather(*waiting[1:]) == ["token-1"] * 19
        assert await tokens.get() == "token-1"
    assert len(answering_server.requests) == 1


async def test_a_token_is_replaced_ahead_of_its_end_by_nobody_who_sends(
    answering_server: AnsweringServer,
) -> None:
    """While it still works, the next is fetched beside it without anybody asking, and nobody waits."""
    held = asyncio.Event()
    answering_server.answer(issue_token(1), Answer(200, issue_token(2).body, after=held))
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        assert await tokens.get() == "token-1"
        await asyncio.sleep(0)
        clock.let_pass(3600 * 0.84)
        assert await tokens.get() == "token-1"
        assert len(answering_server.requests) == 1
        clock.let_pass(3600 * 0.02)
        await answering_server.saw(2)
        assert await tokens.get() == "token-1"
        held.set()
        while await tokens.get() == "token-1":
            await asyncio.sleep(0)
        assert await tokens.get() == "token-2"
    assert len(answering_server.requests) == 2


async def test_one_token_is_asked_for_however_many_send_meanwhile(
    answering_server: AnsweringServer,
) -> None:
    """Through three lives of a token, with twenty senders at every moment, Google is asked four times."""
    answering_server.answer_with(lambda _: issue_token(len(answering_server.requests)))
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        for number in range(1, 4):
            given = await asyncio.gather(*(tokens.get() for _ in range(20)))
            assert given == [f"token-{number}"] * 20
            clock.let_pass(3600 * 0.86)
            await answering_server.saw(number + 1)
            while await tokens.get() == f"token-{number}":
                await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert len(answering_server.requests) == 4


async def test_a_token_that_has_ended_is_not_used(answering_server: AnsweringServer) -> None:
    """After its end the next one is waited for."""
    answering_server.answer(issue_token(1), issue_token(2))
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        assert await tokens.get() == "token-1"
        clock.now += 3600
        assert await tokens.get() == "token-2"


async def test_a_fault_ahead_of_the_end_harms_nobody(answering_server: AnsweringServer) -> None:
    """The old token goes on, and Google is asked again after a pause, not at every push."""
    answering_server.answer(issue_token(1), Answer(500), issue_token(3))
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        await tokens.get()
        await asyncio.sleep(0)
        clock.let_pass(3600 * 0.9)
        await answering_server.saw(2)
        assert tokens._asking is not None
        assert await asyncio.shield(tokens._asking) == Retry("token_http_500")
        assert await asyncio.gather(*(tokens.get() for _ in range(20))) == ["token-1"] * 20
        assert len(answering_server.requests) == 2
        await asyncio.sleep(0)
        clock.let_pass(2)
        await answering_server.saw(3)
        while await tokens.get() == "token-1":
            await asyncio.sleep(0)
        assert await tokens.get() == "token-3"


async def test_a_refused_token_is_renewed_once_for_all(answering_server: AnsweringServer) -> None:
    """Whoever comes later with the same refused token gets what the first one fetched."""
    answering_server.answer(issue_token(1), issue_token(2))
    async with open_tokens(answering_server) as tokens:
        await tokens.get()
        assert await tokens.renew(rejected="token-1") == "token-2"
        assert await tokens.renew(rejected="token-1") == "token-2"
    assert len(answering_server.requests) == 2


REFUSED = "GTR_FCM_CREDENTIALS_FILE: key.json is refused by Google"
ANSWERS: tuple[tuple[Action, Outcome], ...] = (
    (Answer(400, {"error": "invalid_grant"}), Misconfigured("invalid_grant", REFUSED)),
    (Answer(401, {"error": "invalid_client"}), Misconfigured("invalid_client", REFUSED)),
    (Answer(403, b"<html>"), Misconfigured("token_http_403", REFUSED)),
    (Answer(302, b""), Misconfigured("token_http_302", REFUSED)),
    (Answer(400, {"error": "what he wrote"}), Misconfigured("token_http_400", REFUSED)),
    (Answer(429, b""), Throttled("token_http_429", 60.0)),
    (Answer(429, b"", {"retry-after": "5"}), Throttled("token_http_429", 5.0)),
    (Answer(500, {"error": "internal_failure"}), Retry("internal_failure")),
    (Answer(503, b"", {"retry-after": "9"}), Retry("token_http_503", 9.0)),
    (Answer(200, b"<html>"), Retry("token_answer_unreadable")),
    (Answer(200, {"access_token": "two\nlines"}), Retry("token_answer_unreadable")),
    (Answer(200, {"access_token": ""}), Retry("token_answer_unreadable")),
    (Drop(), Retry("token_connection_lost")),
    (Stall(), Retry("token_deadline")),
)


@pytest.mark.parametrize(("action", "outcome"), ANSWERS, ids=repr)
async def test_without_a_token_every_push_has_an_outcome(
    answering_server: AnsweringServer, action: Action, outcome: Outcome
) -> None:
    """Whatever the endpoint says, it is an outcome; and none is in doubt, as nothing was sent."""
    answering_server.answer(action)
    async with open_tokens(answering_server, deadline=1.0, connect_timeout=0.9) as tokens:
        assert await tokens.get() == outcome


@pytest.mark.parametrize(
    ("action", "seconds"),
    [
        (Answer(503), 2),
        (Answer(503, b"", {"retry-after": "30"}), 30),
        (Answer(429, b""), 60),
        (Answer(400, {"error": "invalid_grant"}), 10),
    ],
    ids=repr,
)
async def test_google_is_left_alone_after_a_refusal(
    answering_server: AnsweringServer, action: Action, seconds: float
) -> None:
    """Sends that follow each other get the same answer, until it is time to ask again."""
    answering_server.answer(action, issue_token())
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        refusal = await tokens.get()
        assert not isinstance(refusal, str)
        clock.now += seconds - 0.5
        assert await tokens.get() == refusal
        assert len(answering_server.requests) == 1
        clock.now += 0.5
        assert await tokens.get() == "token-1"


async def test_an_endpoint_that_is_away_means_a_retry(answering_server: AnsweringServer) -> None:
    """A refused connection passes."""
    async with open_tokens(answering_server) as tokens:
        await answering_server.stop()
        assert await tokens.get() == Retry("token_connect_failed")


@pytest.mark.parametrize("lifetime", [None, "soon", -1, 0, float("nan"), float("inf"), 10**9])
async def test_a_lifetime_that_makes_no_sense_is_an_hour(
    answering_server: AnsweringServer, lifetime: Any
) -> None:
    """OAuth leaves a missing one to documentation, and Google documents an hour."""
    answering_server.answer(
        Answer(200, {"access_token": "one", "expires_in": lifetime}), issue_token(2)
    )
    clock = Clock()
    async with open_tokens(answering_server, clock) as tokens:
        assert await tokens.get() == "one"
        clock.now += 3599
        assert await tokens.get() == "one"
        clock.now += 1
        assert await tokens.get() == "token-2"


async def test_closing_stops_asking(answering_server: AnsweringServer) -> None:
    """Whoever waits is told to try again, and nothing is left behind that waits for Google."""
    answering_server.answer(Stall())
    async with open_tokens(answering_server, deadline=1.0, connect_timeout=0.9) as tokens:
        waiting = asyncio.create_task(tokens.get())
        await answering_server.saw(1)
        await tokens.close()
        assert await waiting == Retry("token_pool_closed")


async def test_a_token_is_not_shown(answering_server: AnsweringServer) -> None:
    """Neither a token nor an account writes its secret when it is printed."""
    answering_server.answer(issue_token())
    async with open_tokens(answering_server) as tokens:
        await tokens.get()
        assert "token-1" not in repr(tokens._token)
        assert "PRIVATE KEY" not in repr(tokens._account)
