"""The stand-in for FCM checks who may send, and to which device."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


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


@pytest.fixture
def bearer(providers: ProviderStandIns) -> str:
    """An access token of the usual project."""
    return providers.issue_fcm_bearer()


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
    providers: ProviderStandIns, client: Client
) -> None:
    """A token whose lifetime is over is refused as expired."""
    providers.oauth.lifetime = 0
    bearer = providers.issue_fcm_bearer()

    answer = await send(providers, client, bearer, providers.phones.add_new("fcm"))

    assert reason_of(answer) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")


async def test_a_token_for_something_else_may_not_send(
    providers: ProviderStandIns, client: Client
) -> None:
    """An access token without a messaging scope is 403; cloud-platform will do."""
    token = providers.phones.add_new("fcm")
    answers = []
    for scope in ("devstorage.read_only", "cloud-platform"):
        url = f"https://www.googleapis.com/auth/{scope}"
        bearer = providers.issue_fcm_bearer(scopes=frozenset({url}))
        answers.append(await send(providers, client, bearer, token))

    assert reason_of(answers[0]) == (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    assert answers[1][0] == 200


async def test_the_project_must_be_the_senders(
    providers: ProviderStandIns, client: Client, bearer: str
) -> None:
    """Somebody else's project is 403, one that does not exist 404; neither has an FcmError."""
    providers.issue_fcm_bearer(project="someone-elses")
    token = providers.phones.add_new("fcm")

    elses = await send(providers, client, bearer, token, project="someone-elses")
    none = await send(providers, client, bearer, token, project="no-such")

    assert reason_of(elses) == (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
    error = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    assert none == (404, {"error": error})


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
