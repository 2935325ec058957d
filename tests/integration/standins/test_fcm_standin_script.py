"""The stand-in for FCM fails as it is told to, and only then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from h2.errors import ErrorCodes
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError, RequestTimeoutError

from gtr_jobs.dev.standins import (
    AfterAccepting,
    Disconnect,
    Fail,
    ProviderStandIns,
    Reset,
    Slow,
    Stall,
)


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """An HTTP/2 client that trusts them and has an access token."""
    builder = ClientBuilder().add_root_certificate_pem(providers.ca_file.read_bytes())
    headers = {"authorization": f"Bearer {providers.issue_fcm_bearer()}"}
    async with builder.http2(True).default_headers(headers).build() as opened:
        yield opened


async def send(
    providers: ProviderStandIns, client: Client, token: str
) -> tuple[int, dict[str, Any]]:
    """Send a message to a device."""
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    message = {"token": token, "notification": {"title": "T", "body": "B"}}
    request = client.post(url).body_json({"message": message}).timeout(timedelta(seconds=0.5))
    response = await request.build().send()
    return response.status, await response.json()


def reason_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str, str]:
    """Shorten an error: HTTP status, google.rpc code and errorCode."""
    status, body = answer
    return status, body["error"]["status"], body["error"]["details"][0]["errorCode"]


@pytest.mark.parametrize(
    ("status", "reason", "name"),
    [
        (503, "UNAVAILABLE", "UNAVAILABLE"),
        (429, "QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL", "INTERNAL"),
        (401, "THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED"),
    ],
)
async def test_the_next_requests_can_fail(
    providers: ProviderStandIns, client: Client, status: int, reason: str, name: str
) -> None:
    """Two scripted failures come in FCM's shape, with their headers, and then all is well."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(Fail(status, reason), times=2)

    answers = [await send(providers, client, token) for _ in range(3)]

    assert [reason_of(each) for each in answers[:2]] == [(status, name, reason)] * 2
    assert answers[2][0] == 200
    assert providers.fcm.answered == {str(status): 2, "200": 1}
    assert len(providers.ledger) == 1


async def test_a_failure_can_ask_for_a_pause(providers: ProviderStandIns, client: Client) -> None:
    """Headers of a scripted failure reach the client."""
    providers.fcm.script.add(Fail(429, "QUOTA_EXCEEDED", {"retry-after": "7"}))
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    body = {"message": {"token": providers.phones.add_new("fcm")}}

    response = await client.post(url).body_json(body).build().send()

    assert (response.status, response.get_header("retry-after")) == (429, "7")


async def test_one_device_can_fail_alone(providers: ProviderStandIns, client: Client) -> None:
    """A failure scripted for a token touches no other."""
    unlucky, lucky = providers.phones.add_new("fcm"), providers.phones.add_new("fcm")
    providers.fcm.script.for_token(unlucky).add(Fail(503, "UNAVAILABLE"))

    answers = [(await send(providers, client, token))[0] for token in (lucky, unlucky, unlucky)]

    assert answers == [200, 503, 200]


async def test_a_message_can_arrive_though_the_sender_cannot_know(
    providers: ProviderStandIns, client: Client
) -> None:
    """After accepting, a failure is reported: the client is told 503, the phone has it."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(AfterAccepting(Fail(503, "UNAVAILABLE")))
    assert (await send(providers, client, token))[0] == 503
    assert len(providers.ledger) == 1


@pytest.mark.parametrize("fault", [Disconnect(), Stall(), Reset(ErrorCodes.INTERNAL_ERROR)])
async def test_a_message_can_arrive_though_the_wire_breaks(
    providers: ProviderStandIns, client: Client, fault: Disconnect | Stall | Reset
) -> None:
    """After accepting, the wire dies or hangs: the client fails, the phone has the message."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(AfterAccepting(fault))

    with pytest.raises(RequestError):
        await send(providers, client, token)

    assert [entry.token for entry in providers.ledger.entries()] == [token]


async def test_a_refusal_is_told_in_place_of_a_fault_after_accepting(
    providers: ProviderStandIns, client: Client
) -> None:
    """What is not accepted gets its refusal, not the scripted fault."""
    token = providers.phones.add_new("fcm")
    providers.phones.uninstall(token)
    providers.fcm.script.add(AfterAccepting(Disconnect()))

    assert (await send(providers, client, token))[0] == 404


async def test_a_slow_answer_comes_late_but_the_push_does_not(
    providers: ProviderStandIns, client: Client
) -> None:
    """A client that times out has been overtaken by the push."""
    providers.fcm.script.add(Slow(30))
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    body = {"message": {"token": providers.phones.add_new("fcm")}}
    request = client.post(url).body_json(body)

    with pytest.raises(RequestTimeoutError):
        await request.timeout(timedelta(milliseconds=100)).build().send()

    assert len(providers.ledger) == 1
