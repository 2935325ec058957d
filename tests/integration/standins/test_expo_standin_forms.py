"""The stand-in for Expo's push service reads what Expo reads, and says what it cannot."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import make_expo_token


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """A client that trusts the stand-ins."""
    certificate = providers.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).build() as opened:
        yield opened


async def post(
    providers: ProviderStandIns, client: Client, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Post a body as it is."""
    url = f"{providers.expo.url}/--/api/v2/push/send"
    response = await client.post(url).headers(headers or {}).body_bytes(body).build().send()
    return response.status, await response.json()


async def send(
    providers: ProviderStandIns, client: Client, messages: Any
) -> tuple[int, dict[str, Any]]:
    """Post messages."""
    return await post(providers, client, json.dumps(messages).encode())


def to(token: str | list[str], **fields: Any) -> dict[str, Any]:
    """Make a message."""
    return {"to": token, "title": "T", "body": "B", **fields}


def code_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    """Shorten an error that concerns the whole request."""
    [error] = answer[1]["errors"]
    assert set(answer[1]) == {"errors"}
    return answer[0], error["code"]


async def test_gzipped_requests_are_read(providers: ProviderStandIns, client: Client) -> None:
    """A gzipped body is taken as its content; one that is broken or bloated is refused."""
    packed = gzip.compress(json.dumps([to(make_expo_token())]).encode())
    gzipped = {"content-encoding": "gzip"}

    answers = [
        await post(providers, client, packed, gzipped),
        await post(providers, client, packed[:-4], gzipped),
        await post(providers, client, b"not gzip", gzipped),
        await post(providers, client, gzip.compress(b" " * 5_000_000), gzipped),
    ]

    assert [answer[0] for answer in answers] == [200, 400, 400, 400]
    assert {code_of(answer) for answer in answers[1:]} == {(400, "VALIDATION_ERROR")}
    assert [entry.headers["content-encoding"] for entry in providers.ledger.entries()] == ["gzip"]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], '"value" must contain at least 1 items.'),
        ("x", '"value" must be of type object.'),
        ([1], '"[0]" must be of type object.'),
        ({"title": "T"}, '"to" is required.'),
        ([to("a"), {"body": "B"}], '"[1].to" is required.'),
        ({"to": []}, '"to" must be a string or an array of strings.'),
        ({"to": [1]}, '"to" must be a string or an array of strings.'),
        ([to("a"), to("b"), to("c", title=1)], '"[2].title" must be a string.'),
        (to("a", badge="1"), '"badge" must be a number.'),
        (to("a", badge=True), '"badge" must be a number.'),
        (to("a", data="x"), '"data" must be of type object.'),
        (to("a", priority="urgent"), "\"priority\" must be one of ['default', 'high', 'normal']."),
    ],
)
async def test_a_message_of_another_form_is_refused(
    providers: ProviderStandIns, client: Client, messages: Any, complaint: str
) -> None:
    """One bad message spoils the request, and the error says which and why."""
    status, body = await send(providers, client, messages)

    error = {"code": "VALIDATION_ERROR", "message": complaint, "isTransient": False}
    assert (status, body) == (400, {"errors": [error]})


async def test_no_json_is_refused(providers: ProviderStandIns, client: Client) -> None:
    """Garbage is a validation error, not a fault."""
    assert code_of(await post(providers, client, b"{")) == (400, "VALIDATION_ERROR")


async def test_every_documented_field_is_taken(providers: ProviderStandIns, client: Client) -> None:
    """A message with all fields arrives as it was sent, null being absent."""
    fields = {
        "subtitle": "S",
        "data": {"url": "app://1"},
        "ttl": 60,
        "priority": "high",
        "sound": "default",
        "badge": 2,
        "interruptionLevel": "active",
        "channelId": "default",
        "categoryId": None,
        "mutableContent": False,
        "collapseId": "conversation-1",
    }
    token = make_expo_token()

    status, _ = await send(providers, client, to(token, **fields))

    assert status == 200
    assert [entry.payload for entry in providers.ledger.entries()] == [
        {"title": "T", "body": "B", **fields}
    ]


async def test_a_hundred_recipients_are_the_most(
    providers: ProviderStandIns, client: Client
) -> None:
    """100 recipients pass, 101 do not, however they are spread over messages; none is sent."""
    tokens = [make_expo_token() for _ in range(101)]

    passed = await send(providers, client, [to(token) for token in tokens[:100]])
    refused = [
        await send(providers, client, [to(token) for token in tokens]),
        await send(providers, client, [to(tokens[:100]), to(tokens[100])]),
    ]

    assert (passed[0], len(passed[1]["data"])) == (200, 100)
    assert [code_of(answer) for answer in refused] == [(400, "PUSH_TOO_MANY_NOTIFICATIONS")] * 2
    assert refused[0][1]["errors"][0]["message"] == (
        "You can send a maximum of 100 notifications per request (received 101); "
        "divide your requests."
    )
    assert len(providers.ledger) == 100
