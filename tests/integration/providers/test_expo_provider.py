"""Expo: a hundred a request, and how a bad message or a stranger among them is found."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest
from support.conformance_expo import expo_error, refused
from support.provider_benches import accept, open_bench
from support.pushes import NOW, make_message, make_push, make_token

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import Accepted, DeadTarget, Rejected
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.expo import ExpoProvider


def tokens_of(request: SeenRequest) -> list[str]:
    """Say whom a request is for."""
    return [message["to"] for message in request.json()]


async def test_a_push_goes_out_as_expo_wants_it(answering_server: AnsweringServer) -> None:
    """Path, headers and message are those of Expo's documentation and SDK."""
    async with open_bench("expo", answering_server) as bench:
        await bench.send()
        (request,) = bench.requests
    assert (request.method, request.path) == ("POST", "/--/api/v2/push/send")
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    assert request.json() == [
        {
            "to": make_token("expo"),
            "title": "Rin Tanaka",
            "body": "Is the R34 still for sale?",
            "data": {"kind": "new_message", "url": "gtr-marketplace://messages/42"},
            "badge": 3,
            "sound": "default",
            "channelId": "default",
            "ttl": 3600,
            "priority": "high",
            "collapseId": "message-7",
            "tag": "message-7",
            "threadId": "conversation-42",
        }
    ]


async def test_an_access_token_is_sent(answering_server: AnsweringServer) -> None:
    """Projects with enhanced security need one."""
    options = HttpOptions(ca_file=answering_server.ca_file)
    provider = ExpoProvider("secret-1", answering_server.url, options, now=lambda: NOW)
    answering_server.answer_with(accept)
    await provider.send([make_push("expo")])
    await provider.close()
    assert answering_server.requests[0].headers["authorization"] == "Bearer secret-1"


@pytest.mark.parametrize("token", ["two words", "two\nlines", "naïve"])
def test_an_access_token_that_is_none_is_named(token: str) -> None:
    """Before anything is sent, and without showing it."""
    with pytest.raises(ConfigurationError, match="GTR_EXPO_ACCESS_TOKEN") as raised:
        ExpoProvider(token)
    assert token not in str(raised.value)


async def test_a_hundred_go_in_one_request(answering_server: AnsweringServer) -> None:
    """And the rest in the next, six requests at a time."""
    held = asyncio.Event()

    def decide(request: SeenRequest) -> Action:
        answer = accept(request)
        return Answer(answer.status, answer.body, after=held)

    async with open_bench("expo", answering_server) as bench:
        bench.answer_with(decide)
        sending = asyncio.create_task(bench.send(1050))
        await answering_server.saw(6)
        assert answering_server.connections == 6
        held.set()
        outcomes = await sending
        assert outcomes == [Accepted(f"ticket-{make_token('expo', n)}") for n in range(1050)]
        sizes = sorted(len(request.json()) for request in bench.requests)
        assert sizes == [50] + [100] * 10
        assert bench.observed == [("expo", "accepted")] * 1050


async def test_every_message_has_its_own_ticket(answering_server: AnsweringServer) -> None:
    """One dead device among others is the only one that is given up."""
    dead = make_token("expo", 7)

    def decide(request: SeenRequest) -> Action:
        tickets = [
            refused("DeviceNotRegistered") if to == dead else {"status": "ok", "id": to}
            for to in tokens_of(request)
        ]
        return Answer(200, {"data": tickets})

    async with open_bench("expo", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(20)
    assert outcomes[7] == DeadTarget("DeviceNotRegistered")
    assert [o.name for n, o in enumerate(outcomes) if n != 7] == ["accepted"] * 19


@pytest.mark.parametrize("bad", [{0}, {99}, {42}, {3, 4, 77}])
async def test_bad_messages_are_isolated(answering_server: AnsweringServer, bad: set[int]) -> None:
    """A request that is refused for some of its messages is halved until only they fail."""
    culprits = {make_token("expo", number) for number in bad}

    def decide(request: SeenRequest) -> Action:
        if culprits.intersection(tokens_of(request)):
            return expo_error(400, "VALIDATION_ERROR")
        return accept(request)

    async with open_bench("expo", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(100)
        for number, outcome in enumerate(outcomes):
            token = make_token("expo", number)
            expected = (
                Rejected("VALIDATION_ERROR") if number in bad else Accepted(f"ticket-{token}")
            )
            assert outcome == expected
        accepted = [
            token
            for request in bench.requests
            if not culprits.intersection(tokens_of(request))
            for token in tokens_of(request)
        ]
        assert len(accepted) == len(set(accepted)) == 100 - len(bad)
        assert len(bench.requests) <= 1 + 14 * len(bad)


async def test_a_request_that_is_always_refused_ends(answering_server: AnsweringServer) -> None:
    """Halving has an end: fewer than two requests a message."""
    async with open_bench("expo", answering_server) as bench:
        bench.always(expo_error(400, "PUSH_TOO_MANY_NOTIFICATIONS"))
        outcomes = await bench.send(100)
        assert outcomes == [Rejected("PUSH_TOO_MANY_NOTIFICATIONS")] * 100
        assert len(bench.requests) == 199


async def test_two_projects_are_separated(answering_server: AnsweringServer) -> None:
    """Tokens of several Expo projects go out again, a project a request."""
    owner = {make_token("expo", n): f"@someone/app{n % 3}" for n in range(100)}

    def decide(request: SeenRequest) -> Action:
        projects: dict[str, list[str]] = defaultdict(list)
        for token in tokens_of(request):
            projects[owner[token]].append(token)
        if len(projects) > 1:
            return expo_error(400, "PUSH_TOO_MANY_EXPERIENCE_IDS", details=dict(projects))
        return accept(request)

    async with open_bench("expo", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(100)
        assert outcomes == [Accepted(f"ticket-{make_token('expo', n)}") for n in range(100)]
        assert [len(request.json()) for request in bench.requests] == [100, 34, 33, 33]


@pytest.mark.parametrize(
    "details",
    [{}, [], "strange", {"@a/b": "strange"}, {"@a/b": [make_token("expo", 0), 7]}],
    ids=repr,
)
async def test_projects_that_expo_does_not_name_are_found_by_halving(
    answering_server: AnsweringServer, details: Any
) -> None:
    """Whatever the details are, every message gets its outcome."""

    def decide(request: SeenRequest) -> Action:
        parities = {int(token[-2]) % 2 for token in tokens_of(request)}
        if len(parities) > 1:
            return expo_error(400, "PUSH_TOO_MANY_EXPERIENCE_IDS", details=details)
        return accept(request)

    async with open_bench("expo", answering_server) as bench:
        bench.answer_with(decide)
        outcomes = await bench.send(10)
    assert outcomes == [Accepted(f"ticket-{make_token('expo', n)}") for n in range(10)]


async def test_a_text_in_any_script_arrives_as_written(answering_server: AnsweringServer) -> None:
    """Quotes, emoji and other scripts survive the way."""
    message = make_message(title='"Gödze" \\', body="日産 スカイライン 👨‍👩‍👧")
    async with open_bench("expo", answering_server) as bench:
        await bench.provider.send([make_push("expo", 0, message)])
        (sent,) = bench.requests[0].json()
    assert (sent["title"], sent["body"]) == (message.title, message.body)


async def test_check_asks_nobody(answering_server: AnsweringServer) -> None:
    """Expo needs no key, and says nothing of one before a push."""
    async with open_bench("expo", answering_server) as bench:
        await bench.provider.check()
        assert answering_server.connections == 0
