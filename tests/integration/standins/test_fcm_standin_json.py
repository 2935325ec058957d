"""The stand-in for FCM reads JSON as Google's front end does, and names what it cannot read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import make_fcm_token

BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
TOKEN = make_fcm_token()


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


async def post(
    providers: ProviderStandIns, client: Client, body: bytes
) -> tuple[int, dict[str, Any]]:
    """Send a body as it is."""
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    response = await client.post(url).body_bytes(body).build().send()
    return response.status, await response.json()


async def send(
    providers: ProviderStandIns, client: Client, message: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Send a message."""
    return await post(providers, client, json.dumps({"message": message}).encode())


@pytest.mark.parametrize(
    ("message", "field", "description"),
    [
        (
            {"titel": "x"},
            "message",
            (
                "Invalid JSON payload received. Unknown name \"titel\" at 'message': "
                "Cannot find field."
            ),
        ),
        (
            {"android": {"notification": {"badge": 1}}},
            "message.android.notification",
            (
                'Invalid JSON payload received. Unknown name "badge" at '
                "'message.android.notification': Cannot find field."
            ),
        ),
        (
            {"data": {"a": "1", "b": 2}},
            "message.data[1].value",
            "Invalid value at 'message.data[1].value' (TYPE_STRING), 2",
        ),
        (
            {"data": {"a": {"b": "c"}}},
            "message.data[0].value",
            'Invalid value at \'message.data[0].value\' (TYPE_STRING), {"b": "c"}',
        ),
        ({"data": "x"}, "message.data", "Invalid value at 'message.data' (Map), \"x\""),
        (
            {"notification": "x"},
            "message.notification",
            "Invalid value at 'message.notification' (Message), \"x\"",
        ),
        (
            {"android": {"priority": "URGENT"}},
            "message.android.priority",
            (
                "Invalid value at 'message.android.priority' (type.googleapis.com/"
                'google.firebase.fcm.v1.AndroidConfig.AndroidMessagePriority), "URGENT"'
            ),
        ),
        (
            {"android": {"ttl": "3600"}},
            "message.android.ttl",
            (
                "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
                ", Field 'ttl', Illegal duration format; duration must end with 's'"
            ),
        ),
        (
            {"android": {"ttl": "an hours"}},
            "message.android.ttl",
            (
                "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
                ", Field 'ttl', Illegal duration format"
            ),
        ),
        (
            {"android": {"ttl": 3600}},
            "message.android.ttl",
            (
                "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
                ", 3600"
            ),
        ),
        (
            {"android": {"notification": {"notification_count": 1.5}}},
            "message.android.notification.notification_count",
            "Invalid value at 'message.android.notification.notification_count' (TYPE_INT32), 1.5",
        ),
        (
            {"android": {"notification": {"sticky": "yes"}}},
            "message.android.notification.sticky",
            "Invalid value at 'message.android.notification.sticky' (TYPE_BOOL), \"yes\"",
        ),
        (
            {"android": {"notification": {"event_time": "now"}}},
            "message.android.notification.event_time",
            (
                "Invalid value at 'message.android.notification.event_time' "
                '(type.googleapis.com/google.protobuf.Timestamp), "now"'
            ),
        ),
        (
            {"apns": {"payload": []}},
            "message.apns.payload",
            (
                "Invalid value at 'message.apns.payload' "
                "(type.googleapis.com/google.protobuf.Struct), []"
            ),
        ),
        (
            {"topic": "news"},
            "message",
            (
                "Invalid value at 'message' (oneof), oneof field 'target' is already set by 'token'. "
                "Cannot set 'topic'"
            ),
        ),
    ],
)
async def test_what_cannot_be_read_is_named(
    providers: ProviderStandIns,
    client: Client,
    message: dict[str, Any],
    field: str,
    description: str,
) -> None:
    """The front end refuses the field with a BadRequest in Google's words, and no FcmError."""
    answer = await send(providers, client, {"token": TOKEN, **message})

    violation = {"field": field, "description": description}
    assert answer == (
        400,
        {
            "error": {
                "code": 400,
                "message": description,
                "status": "INVALID_ARGUMENT",
                "details": [{"@type": BAD_REQUEST, "fieldViolations": [violation]}],
            }
        },
    )
    assert len(providers.ledger) == 0


async def test_all_that_is_wrong_is_told_at_once(
    providers: ProviderStandIns, client: Client
) -> None:
    """Two mistakes make two violations."""
    _, body = await send(providers, client, {"token": TOKEN, "x": 1, "data": {"k": 1}})

    violations = body["error"]["details"][0]["fieldViolations"]
    assert [violation["field"] for violation in violations] == ["message", "message.data[0].value"]
    assert body["error"]["message"] == "\n".join(each["description"] for each in violations)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
async def test_what_is_no_json_is_refused(
    providers: ProviderStandIns, client: Client, body: bytes
) -> None:
    """Garbage is a 400 of the front end without a field."""
    status, answer = await post(providers, client, body)

    description = "Invalid JSON payload received. Unexpected token."
    assert (status, answer["error"]["details"]) == (
        400,
        [{"@type": BAD_REQUEST, "fieldViolations": [{"description": description}]}],
    )


async def test_a_name_out_of_a_set_may_be_in_small_letters(
    providers: ProviderStandIns, client: Client
) -> None:
    """FCM's own examples and libraries say "high"; what is read is the name as it is defined."""
    android = {"priority": "high", "notification": {"visibility": "Public"}}

    status, _ = await send(providers, client, {"token": TOKEN, "android": android})

    [entry] = providers.ledger.entries()
    assert (status, entry.payload["android"]) == (
        200,
        {"priority": "HIGH", "notification": {"visibility": "PUBLIC"}},
    )
