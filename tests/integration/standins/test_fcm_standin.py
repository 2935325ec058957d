"""The stand-in for FCM: who may send, to which device, and what a script makes of it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestTimeoutError, TransportError

from gtr_jobs.dev.standins import (
    AfterAccepting,
    Disconnect,
    Fail,
    ProviderStandIns,
    Slow,
    Stall,
)
from gtr_jobs.dev.standins.google_oauth import GOOGLE_AUDIENCE, GRANT_TYPE

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
MESSAGING = "https://www.googleapis.com/auth/firebase.messaging"


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """An HTTP/2 client that trusts them."""
    certificate = providers.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).http2(True).build() as opened:
        yield opened


async def fetch_bearer(
    providers: ProviderStandIns, client: Client, folder: Path, scope: str = MESSAGING, **names: str
) -> str:
    """Make a service account and exchange its JWT for an access token."""
    environment = providers.write_credentials(folder, **names)
    account = json.loads(Path(environment["GTR_FCM_CREDENTIALS_FILE"]).read_text(encoding="utf-8"))
    now = int(time.time())
    claims = {
        "iss": account["client_email"],
        "scope": scope,
        "aud": GOOGLE_AUDIENCE,
        "iat": now,
        "exp": now + 60,
    }
    assertion = jwt.encode(claims, account["private_key"], algorithm="RS256")
    form = {"grant_type": GRANT_TYPE, "assertion": assertion}
    response = await client.post(providers.oauth.token_url).form(form).build().send()
    bearer: str = (await response.json())["access_token"]
    return bearer


@pytest.fixture
async def bearer(providers: ProviderStandIns, client: Client, tmp_path: Path) -> str:
    """An access token of the usual project."""
    return await fetch_bearer(providers, client, tmp_path)


async def send(
    providers: ProviderStandIns,
    client: Client,
    bearer: str,
    token: str,
    project: str = "gtr-standin",
    **more: Any,
) -> tuple[int, dict[str, Any]]:
    """Send a message to a device."""
    message = {"token": token, "notification": {"title": "T", "body": "B"}}
    request = client.post(f"{providers.fcm.url}/v1/projects/{project}/messages:send")
    if bearer:
        request = request.bearer_auth(bearer)
    request = request.timeout(timedelta(seconds=5))
    response = await request.body_json({"message": message, **more}).build().send()
    return response.status, await response.json()


def reason_of(answer: tuple[int, Mapping[str, Any]]) -> tuple[int, str, str]:
    """Shorten an error: HTTP status, google.rpc code and the reason in its details."""
    status, body = answer
    detail = (body["error"].get("details") or [{}])[0]
    assert body["error"]["code"] == status
    return status, body["error"]["status"], detail.get("errorCode") or detail.get("reason", "")


async def test_a_message_is_accepted_and_recorded(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """The answer names the message as FCM does, and the ledger has it under that name."""
    token = providers.phones.add_new("fcm", app="gtr-standin")

    status, body = await send(providers, client, bearer, token)

    assert status == 200
    assert re.fullmatch(r"projects/gtr-standin/messages/0:\d{16}%[0-9a-f]{16}", body["name"])
    [entry] = providers.ledger.entries()
    assert (entry.provider, entry.token, entry.message_id) == ("fcm", token, body["name"])
    assert entry.payload == {"token": token, "notification": {"title": "T", "body": "B"}}


async def test_a_dry_run_reaches_no_phone(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """validate_only checks all and sends nothing, in either spelling of its name."""
    token = providers.phones.add_new("fcm")
    gone = providers.phones.add_new("fcm")
    providers.phones.uninstall(gone)

    answers = [
        await send(providers, client, bearer, token, validate_only=True),
        await send(providers, client, bearer, token, validateOnly=True),
    ]

    name = "projects/gtr-standin/messages/fake_message_id"
    assert answers == [(200, {"name": name})] * 2
    assert (await send(providers, client, bearer, gone, validate_only=True))[0] == 404
    assert len(providers.ledger) == 0


async def test_nobody_sends_without_a_good_token(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """A missing, an unknown and an expired access token are 401, each with Google's reason."""
    token = providers.phones.add_new("fcm")
    missing = await send(providers, client, "", token)
    unknown = await send(providers, client, "ya29.unknown", token)
    providers.oauth.expire_tokens()
    expired = await send(providers, client, bearer, token)

    assert [reason_of(each) for each in (missing, unknown, expired)] == [
        (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
        (401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
    ]


async def test_an_access_token_ends_with_its_lifetime(
    providers: ProviderStandIns, client: Client, tmp_path: Path
) -> None:
    """A token whose lifetime is over is refused as expired."""
    providers.oauth.lifetime = 0
    bearer = await fetch_bearer(providers, client, tmp_path)

    answer = await send(providers, client, bearer, providers.phones.add_new("fcm"))

    assert reason_of(answer) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")


async def test_a_token_for_something_else_may_not_send(
    providers: ProviderStandIns, client: Client, tmp_path: Path
) -> None:
    """An access token without a messaging scope is 403; cloud-platform will do."""
    token = providers.phones.add_new("fcm")
    answers = []
    for scope in ("devstorage.read_only", "cloud-platform"):
        url = f"https://www.googleapis.com/auth/{scope}"
        bearer = await fetch_bearer(providers, client, tmp_path, url)
        answers.append(await send(providers, client, bearer, token))

    assert reason_of(answers[0]) == (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    assert answers[1][0] == 200


async def test_the_project_must_be_the_senders(
    providers: ProviderStandIns, client: Client, bearer: str, tmp_path: Path
) -> None:
    """Somebody else's project is 403, one that does not exist 404; neither has an FcmError."""
    await fetch_bearer(providers, client, tmp_path, project="someone-elses")
    token = providers.phones.add_new("fcm")

    elses = await send(providers, client, bearer, token, project="someone-elses")
    none = await send(providers, client, bearer, token, project="no-such")

    assert reason_of(elses) == (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
    assert none == (
        404,
        {
            "error": {
                "code": 404,
                "message": "Requested entity was not found.",
                "status": "NOT_FOUND",
            }
        },
    )


async def test_a_phone_without_the_app_is_unregistered(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """An uninstalled app is 404 UNREGISTERED in exactly FCM's shape, until it is back."""
    token = providers.phones.add_new("fcm")
    providers.phones.uninstall(token)

    gone = await send(providers, client, bearer, token)
    providers.phones.add(token)

    assert gone == (
        404,
        {
            "error": {
                "code": 404,
                "message": "Requested entity was not found.",
                "status": "NOT_FOUND",
                "details": [{"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}],
            }
        },
    )
    assert (await send(providers, client, bearer, token))[0] == 200


async def test_a_token_of_another_project_is_a_mismatch(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """A device of another project is 403 SENDER_ID_MISMATCH."""
    token = providers.phones.add_new("fcm", app="another-project")

    status, body = await send(providers, client, bearer, token)

    assert (status, body["error"]["message"]) == (403, "SenderId mismatch")
    assert reason_of((status, body)) == (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")


async def test_a_malformed_token_is_told_from_a_bad_message(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """What cannot be a token is 400 with an FcmError and no BadRequest."""
    status, body = await send(providers, client, bearer, "not a token")

    assert status == 400
    assert body["error"]["details"] == [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}]
    assert body["error"]["message"] == (
        "The registration token is not a valid FCM registration token"
    )


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 404)])
async def test_unknown_tokens_are_taken_unless_strict(
    providers: ProviderStandIns, client: Client, bearer: str, strict: bool, status: int
) -> None:
    """People can try tokens of their own; a strict registry knows only its phones."""
    providers.phones.strict = strict

    answer = await send(providers, client, bearer, "cXyz1234567:APA91b" + "x" * 134)

    assert answer[0] == status


async def test_other_paths_are_not_the_apis(providers: ProviderStandIns, client: Client) -> None:
    """Anything but POST to messages:send gets the web server's HTML."""
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    answers = [
        await client.get(url).build().send(),
        await client.post(f"{providers.fcm.url}/fcm/send").build().send(),
    ]

    assert [(each.status, each.get_header("content-type")) for each in answers] == [
        (404, "text/html; charset=UTF-8")
    ] * 2


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
    providers: ProviderStandIns, client: Client, bearer: str, status: int, reason: str, name: str
) -> None:
    """Two scripted failures come in FCM's shape, with their headers, and then all is well."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(Fail(status, reason), times=2)

    answers = [await send(providers, client, bearer, token) for _ in range(3)]

    assert [reason_of(each) for each in answers[:2]] == [(status, name, reason)] * 2
    assert answers[2][0] == 200
    assert providers.fcm.answered == {str(status): 2, "200": 1}
    assert len(providers.ledger) == 1


async def test_a_failure_can_ask_for_a_pause(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """Headers of a scripted failure reach the client."""
    providers.fcm.script.add(Fail(429, "QUOTA_EXCEEDED", {"retry-after": "7"}))
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    body = {"message": {"token": providers.phones.add_new("fcm")}}

    response = await client.post(url).bearer_auth(bearer).body_json(body).build().send()

    assert (response.status, response.get_header("retry-after")) == (429, "7")


async def test_one_device_can_fail_alone(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """A failure scripted for a token touches no other."""
    unlucky, lucky = providers.phones.add_new("fcm"), providers.phones.add_new("fcm")
    providers.fcm.script.for_token(unlucky).add(Fail(503, "UNAVAILABLE"))

    answers = [
        (await send(providers, client, bearer, token))[0] for token in (lucky, unlucky, unlucky)
    ]

    assert answers == [200, 503, 200]


async def test_a_message_can_arrive_though_the_sender_cannot_know(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """After accepting, the connection dies, hangs or reports a failure: the phone has it."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(AfterAccepting(Fail(503, "UNAVAILABLE")))
    assert (await send(providers, client, bearer, token))[0] == 503

    for number, fault in enumerate((Disconnect(), Stall()), start=2):
        providers.fcm.script.add(AfterAccepting(fault))
        sending = asyncio.ensure_future(send(providers, client, bearer, token))
        assert len(await providers.ledger.wait_for(number)) == number
        sending.cancel()
        with pytest.raises((asyncio.CancelledError, TransportError)):
            await sending


async def test_a_refusal_is_told_in_place_of_a_fault_after_accepting(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """What is not accepted gets its refusal, not the scripted fault."""
    token = providers.phones.add_new("fcm")
    providers.phones.uninstall(token)
    providers.fcm.script.add(AfterAccepting(Disconnect()))

    assert (await send(providers, client, bearer, token))[0] == 404


async def test_a_slow_answer_comes_late_but_the_push_does_not(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """A client that times out has been overtaken by the push."""
    providers.fcm.script.add(Slow(30))
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    body = {"message": {"token": providers.phones.add_new("fcm")}}
    request = client.post(url).bearer_auth(bearer).body_json(body)

    with pytest.raises(RequestTimeoutError):
        await request.timeout(timedelta(milliseconds=100)).build().send()

    assert len(providers.ledger) == 1
