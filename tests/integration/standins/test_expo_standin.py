"""The stand-in for Expo's push service gives tickets as Expo does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

from gtr_jobs.dev.standins import Fail, ProviderStandIns, Reset, show
from gtr_jobs.dev.standins.phones import make_expo_token


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture(params=[True, False], ids=["http2", "http1"])
async def client(
    providers: ProviderStandIns, request: pytest.FixtureRequest
) -> AsyncIterator[Client]:
    """A client that trusts the stand-ins, in either version of HTTP."""
    builder = ClientBuilder().add_root_certificate_pem(providers.ca_file.read_bytes())
    async with builder.http2(request.param).build() as opened:
        yield opened


async def send(
    providers: ProviderStandIns, client: Client, messages: Any, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Post messages."""
    url = f"{providers.expo.url}/--/api/v2/push/send"
    response = await client.post(url).headers(headers).body_json(messages).build().send()
    return response.status, await response.json()


def to(token: str | list[str], **fields: Any) -> dict[str, Any]:
    """Make a message."""
    return {"to": token, "title": "T", "body": "B", **fields}


def code_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    """Shorten an error that concerns the whole request."""
    [error] = answer[1]["errors"]
    assert set(answer[1]) == {"errors"}
    return answer[0], error["code"]


async def test_tickets_come_in_the_order_of_the_messages(
    providers: ProviderStandIns, client: Client
) -> None:
    """Each recipient has a ticket at its place, and the ledger an entry under the ticket's id."""
    tokens = [providers.phones.add_new("expo") for _ in range(4)]
    messages = [to(tokens[0]), to([tokens[1], tokens[2]], badge=1), to(tokens[3])]

    status, body = await send(providers, client, messages)

    assert status == 200
    assert [ticket["status"] for ticket in body["data"]] == ["ok"] * 4
    entries = providers.ledger.entries(provider="expo")
    assert [entry.token for entry in entries] == tokens
    assert [entry.message_id for entry in entries] == [ticket["id"] for ticket in body["data"]]
    assert [show(entry).badge for entry in entries] == [None, 1, 1, None]


async def test_a_lone_message_gets_a_lone_ticket(
    providers: ProviderStandIns, client: Client
) -> None:
    """One object for one recipient is answered with one object; all else with a list."""
    token = make_expo_token()

    shapes = [
        type((await send(providers, client, messages))[1]["data"])
        for messages in (to(token), [to(token)], to([token]))
    ]

    assert shapes == [dict, list, list]


async def test_a_phone_without_the_app_has_an_error_for_a_ticket(
    providers: ProviderStandIns, client: Client
) -> None:
    """The ticket of a device that is gone says so, names the token, and the others are taken."""
    here, gone = providers.phones.add_new("expo"), providers.phones.add_new("expo")
    providers.phones.uninstall(gone)

    _, body = await send(providers, client, [to(gone), to(here)])

    assert body["data"][0] == {
        "status": "error",
        "message": f'"{gone}" is not a registered push notification recipient',
        "details": {"error": "DeviceNotRegistered", "expoPushToken": gone},
    }
    assert body["data"][1]["status"] == "ok"
    assert [entry.token for entry in providers.ledger.entries()] == [here]


async def test_what_is_no_token_has_an_error_for_a_ticket(
    providers: ProviderStandIns, client: Client
) -> None:
    """Malformed recipients fail alone; both prefixes and a bare UUID are tokens."""
    uuid_token = "0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"
    messages = [to("ExpoPushToken[x]"), to(uuid_token), to("ExponentPushToken["), to("abc")]

    _, body = await send(providers, client, messages)

    assert [ticket["status"] for ticket in body["data"]] == ["ok", "ok", "error", "error"]
    assert body["data"][3] == {
        "status": "error",
        "message": '"abc" is not a valid Expo push token',
        "details": {"error": "DeviceNotRegistered", "expoPushToken": "abc"},
    }


@pytest.mark.parametrize(("strict", "status"), [(False, "ok"), (True, "error")])
async def test_unknown_tokens_are_taken_unless_strict(
    providers: ProviderStandIns, client: Client, strict: bool, status: str
) -> None:
    """People can try tokens of their own; a strict registry knows only its phones."""
    providers.phones.strict = strict

    _, body = await send(providers, client, to(make_expo_token()))

    assert body["data"]["status"] == status


async def test_recipients_of_two_projects_are_refused(
    providers: ProviderStandIns, client: Client
) -> None:
    """The error says which tokens are of which project, and nothing is sent."""
    one = [providers.phones.add_new("expo", app="@gtr/one") for _ in range(2)]
    other = providers.phones.add_new("expo", app="@gtr/other")

    status, body = await send(providers, client, [to(one[0]), to(other), to(one[1])])

    assert (status, body) == (
        400,
        {
            "errors": [
                {
                    "code": "PUSH_TOO_MANY_EXPERIENCE_IDS",
                    "message": "All push notification messages in the same request must be for "
                    "the same project; check the details field to investigate conflicting tokens.",
                    "isTransient": False,
                    "details": {"@gtr/one": one, "@gtr/other": [other]},
                }
            ]
        },
    )
    assert len(providers.ledger) == 0


async def test_enhanced_security_needs_the_access_token(
    providers: ProviderStandIns, client: Client
) -> None:
    """With an access token set, requests without it are UNAUTHORIZED."""
    providers.expo.access_token = "secret"
    message = to(make_expo_token())

    answers = [
        await send(providers, client, message),
        await send(providers, client, message, authorization="Bearer wrong"),
        await send(providers, client, message, authorization="Bearer secret"),
    ]

    assert [code_of(answer) for answer in answers[:2]] == [(403, "UNAUTHORIZED")] * 2
    assert answers[2][0] == 200


async def test_too_many_in_a_second_are_throttled(
    providers: ProviderStandIns, client: Client
) -> None:
    """Above the project's rate nothing of the request is taken."""
    providers.expo.notifications_per_second = 50
    messages = [to(make_expo_token()) for _ in range(40)]

    answers = [await send(providers, client, messages) for _ in range(4)]

    throttled = [answer for answer in answers if answer[0] != 200]
    assert {code_of(answer) for answer in throttled} == {(429, "TOO_MANY_REQUESTS")}
    assert len(providers.ledger) == 40 * (4 - len(throttled))


async def test_requests_can_be_scripted_to_fail(
    providers: ProviderStandIns, client: Client
) -> None:
    """A whole request can fail in Expo's shape, and the next is taken."""
    providers.expo.script.add(Fail(429, "TOO_MANY_REQUESTS", {"retry-after": "3"}))
    message = to(make_expo_token())

    first = await send(providers, client, message)
    second = await send(providers, client, message)

    assert code_of(first) == (429, "TOO_MANY_REQUESTS")
    assert first[1]["errors"][0]["isTransient"] is True
    assert second[0] == 200


async def test_a_scripted_device_fails_in_its_ticket(
    providers: ProviderStandIns, client: Client
) -> None:
    """A failure scripted for a token is that token's ticket, and no one else's."""
    tokens = [make_expo_token() for _ in range(3)]
    providers.expo.script.for_token(tokens[1]).add(Fail(200, "MessageRateExceeded"))

    _, body = await send(providers, client, [to(token) for token in tokens])

    assert [ticket.get("details") for ticket in body["data"]] == [
        None,
        {"error": "MessageRateExceeded", "expoPushToken": tokens[1]},
        None,
    ]


async def test_a_fault_scripted_for_a_device_hits_its_request(
    providers: ProviderStandIns, client: Client
) -> None:
    """What is no ticket is done to the request that carries the token, once."""
    unlucky = make_expo_token()
    providers.expo.script.for_token(unlucky).add(Reset(code=2))
    message = to(unlucky)

    with pytest.raises(RequestError):
        await send(providers, client, [message])

    assert (await send(providers, client, [message]))[0] == 200
    assert providers.expo.answered == {"Reset": 1, "200": 1}
