"""Another process can drive the stand-ins through a door on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.control import Control
from gtr_jobs.dev.standins.phones import make_expo_token
from gtr_jobs.domain.tokens import classify_token


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def control(providers: ProviderStandIns) -> AsyncIterator[Control]:
    """Their door."""
    async with Control(providers) as opened:
        yield opened


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """A client that trusts the stand-ins."""
    certificate = providers.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).build() as opened:
        yield opened


async def ask(client: Client, control: Control, path: str) -> tuple[int, Any]:
    """Get something."""
    response = await client.get(control.url + path).build().send()
    return response.status, await response.json()


async def tell(client: Client, control: Control, path: str, body: Any) -> tuple[int, Any]:
    """Post something."""
    response = await client.post(control.url + path).body_json(body).build().send()
    return response.status, await response.json()


async def push(client: Client, providers: ProviderStandIns, token: str) -> tuple[int, Any]:
    """Send a push through Expo, which needs no keys."""
    message = {"to": token, "title": "Mia", "body": "Hello", "data": {"url": "app://1"}}
    url = f"{providers.expo.url}/--/api/v2/push/send"
    response = await client.post(url).body_json(message).build().send()
    return response.status, await response.json()


async def test_the_ledger_can_be_read(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """Each entry says what was accepted and how it looks; `after` asks for newer ones only."""
    tokens = [make_expo_token(), make_expo_token()]
    for token in tokens:
        await push(client, providers, token)

    status, body = await ask(client, control, "/ledger")
    _, newer = await ask(client, control, "/ledger?after=1")

    [first, second] = body["entries"]
    entry = providers.ledger.entries()[0]
    assert (status, body["total"]) == (200, 2)
    assert first == {
        "number": 1,
        "provider": "expo",
        "token": tokens[0],
        "message_id": entry.message_id,
        "payload": {"title": "Mia", "body": "Hello", "data": {"url": "app://1"}},
        "headers": {"user-agent": entry.headers["user-agent"]},
        "arrived_at": entry.arrived_at,
        "arrived_at_monotonic": entry.arrived_at_monotonic,
        "shown": {
            "title": "Mia",
            "body": "Hello",
            "badge": None,
            "thread": "",
            "collapse_id": "",
            "url": "app://1",
        },
    }
    assert newer == {"total": 2, "entries": [second]}


async def test_a_reader_can_wait_for_the_next_entry(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """`wait` answers as soon as something comes, and with nothing when nothing does."""
    nothing = await ask(client, control, "/ledger?after=0&wait=0.01")
    waiting = asyncio.ensure_future(ask(client, control, "/ledger?after=0&wait=10"))
    await push(client, providers, make_expo_token())

    _, body = await asyncio.wait_for(waiting, 5)

    assert nothing == (200, {"total": 0, "entries": []})
    assert [entry["number"] for entry in body["entries"]] == [1]


async def test_answers_can_be_scripted(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """A script from outside works as one from within, for all requests or for one token."""
    fail = {"answer": "fail", "status": 503, "reason": "UNAVAILABLE"}
    rate = {"answer": "fail", "status": 200, "reason": "MessageRateExceeded"}
    token = make_expo_token()
    general = {"provider": "expo", "answers": [fail], "times": 2, "skip": 1}
    own = {"provider": "expo", "token": token, "answers": [rate], "times": "for_ever"}

    accepted = [await tell(client, control, "/script", script) for script in (general, own)]
    statuses = [(await push(client, providers, make_expo_token()))[0] for _ in range(4)]
    tickets = [(await push(client, providers, token))[1]["data"]["status"] for _ in range(2)]

    assert accepted == [(200, {})] * 2
    assert statuses == [200, 503, 503, 200]
    assert tickets == ["error", "error"]


async def test_phones_can_be_changed(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """A phone can be registered, lose the app, and have its receipts scripted."""
    token = make_expo_token()
    await tell(client, control, "/phones", {"token": token, "app": "@gtr/app", "sandbox": True})
    phone = providers.phones.find(token)
    await tell(client, control, "/receipts", {"token": token, "error": "ProviderError"})
    await tell(client, control, "/phones/uninstall", {"token": token, "at": 5})

    _, answer = await push(client, providers, token)

    assert phone is not None
    assert (phone.app, phone.sandbox, phone.uninstalled_at) == ("@gtr/app", True, None)
    assert answer["data"]["details"]["error"] == "DeviceNotRegistered"
    assert providers.expo.receipts.is_scripted_to_fail(token)


async def test_all_can_be_forgotten(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """A reset clears scripts, counts, phones and the ledger."""
    token = make_expo_token()
    providers.phones.uninstall(token)
    await push(client, providers, make_expo_token())
    fail = {"answer": "fail", "status": 503, "reason": "UNAVAILABLE"}
    await tell(client, control, "/script", {"provider": "expo", "answers": [fail]})

    await tell(client, control, "/reset", {})

    assert (len(providers.ledger), len(providers.phones), providers.expo.answered) == (0, 0, {})
    status, answer = await push(client, providers, token)
    assert (status, answer["data"]["status"]) == (200, "ok")


async def test_the_door_describes_what_is_behind_it(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """Addresses, what to trust, and what was answered."""
    await push(client, providers, make_expo_token())

    assert await ask(client, control, "/") == (
        200,
        {
            "urls": {name: standin.url for name, standin in providers.all.items()},
            "answered": {name: {} for name in providers.all} | {"expo": {"200": 1}},
            "ca_file": str(providers.ca_file),
            "accepted": 1,
            "phones": 0,
        },
    )


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/script", {"answers": []}, "'provider' is missing"),
        (
            "/script",
            {"provider": "sms", "answers": []},
            "there is no provider 'sms'; there is oauth, fcm, apns, expo",
        ),
        ("/script", {"provider": "fcm", "answers": []}, "a script needs answers"),
        (
            "/script",
            {"provider": "fcm", "answers": [{"answer": "sleep"}]},
            "unknown answer 'sleep'",
        ),
        ("/phones", {}, "'token' is missing"),
        ("/phones/uninstall", {"token": "x", "at": "noon"}, "could not convert"),
    ],
)
async def test_a_mistake_is_told(
    client: Client, control: Control, path: str, body: Any, complaint: str
) -> None:
    """A request that makes no sense is a 400 with the reason."""
    status, answer = await tell(client, control, path, body)

    assert status == 400
    assert answer["error"].startswith(complaint)


async def test_other_doors_do_not_exist(client: Client, control: Control) -> None:
    """Unknown paths are 404, and numbers must be numbers."""
    assert (await ask(client, control, "/secrets"))[0] == 404
    assert (await tell(client, control, "/ledger", {}))[0] == 404
    assert (await ask(client, control, "/ledger?after=x"))[0] == 400


async def test_a_page_in_a_browser_cannot_get_in(client: Client, control: Control) -> None:
    """Neither under another name nor with a form can a web page drive the stand-ins."""
    port = control.url.rpartition(":")[2]
    renamed = client.get(f"{control.url}/ledger").header("host", f"evil.example:{port}")
    form = client.post(f"{control.url}/reset").header("content-type", "text/plain")

    answers = [
        await renamed.build().send(),
        await form.body_bytes(b"{}").build().send(),
    ]

    assert [answer.status for answer in answers] == [403, 415]


async def test_phones_are_made_with_tokens_of_their_kind(client: Client, control: Control) -> None:
    """For those who have no phone at hand."""
    for kind in ("fcm", "apns", "expo"):
        status, answer = await tell(client, control, "/phones", {"kind": kind})
        assert (status, classify_token(answer["token"])) == (200, kind)
    status, answer = await tell(client, control, "/phones", {"kind": "sms"})
    assert (status, answer["error"]) == (400, "there is no kind 'sms'; there is fcm, apns, expo")


async def test_an_access_token_for_fcm_can_be_had(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """FCM takes it, without a service account's key being signed with by hand."""
    token = (await tell(client, control, "/bearer", {}))[1]["access_token"]
    phone = (await tell(client, control, "/phones", {"kind": "fcm"}))[1]["token"]
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    request = client.post(url).header("authorization", f"Bearer {token}")
    body = {"message": {"token": phone, "notification": {"title": "Mia"}}}
    response = await request.body_json(body).build().send()
    assert response.status == 200
    assert providers.ledger.total == 1


async def test_receipts_can_be_withheld(
    client: Client, control: Control, providers: ProviderStandIns
) -> None:
    """As when Expo is late."""
    token = (await tell(client, control, "/phones", {"kind": "expo"}))[1]["token"]
    ticket = (await push(client, providers, token))[1]["data"]["id"]
    url = f"{providers.expo.url}/--/api/v2/push/getReceipts"
    assert await tell(client, control, "/receipts", {"token": token, "withhold": True}) == (200, {})
    response = await client.post(url).body_json({"ids": [ticket]}).build().send()
    assert await response.json() == {"data": {}}
