"""The stand-in for FCM takes every message that FCM takes, and refuses what FCM refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import make_fcm_token

BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
TOKEN = make_fcm_token()
INSTALLATION = "cIj2DPMEQ9mQ2tFrIDIOFn"

# Every field that FCM has, each with a good value.
EVERYTHING: dict[str, Any] = {
    "data": {"mid": "1", "url": "app://1"},
    "notification": {"title": "T", "body": "B", "image": "https://x/y.png"},
    "android": {
        "collapse_key": "c",
        "priority": "HIGH",
        "ttl": "3600.5s",
        "restricted_package_name": "p",
        "data": {"k": "v"},
        "fcm_options": {"analytics_label": "x"},
        "direct_boot_ok": True,
        "notification": {
            "tag": "t",
            "channel_id": "default",
            "sound": "default",
            "notification_count": 3,
            "click_action": "a",
            "title_loc_args": ["x"],
            "sticky": False,
            "event_time": "2026-01-02T03:04:05.678Z",
            "notification_priority": "PRIORITY_HIGH",
            "visibility": "PRIVATE",
            "vibrate_timings": ["1s", "0.5s"],
            "light_settings": {
                "color": {"red": 1, "green": 0.5, "blue": 0, "alpha": 1},
                "light_on_duration": "1s",
                "light_off_duration": "1s",
            },
        },
    },
    "apns": {
        "headers": {"apns-priority": "10"},
        "payload": {"aps": {"badge": 3, "mutable-content": 1}},
        "fcm_options": {"image": "https://x/y.png"},
    },
    "webpush": {"headers": {"TTL": "1"}, "notification": {"any": ["thing"]}},
    "fcm_options": {"analytics_label": "x"},
}


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
    providers: ProviderStandIns, client: Client, message: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Send a message."""
    url = f"{providers.fcm.url}/v1/projects/gtr-standin/messages:send"
    response = await client.post(url).body_json({"message": message}).build().send()
    return response.status, await response.json()


@pytest.mark.parametrize(
    "target", [{"token": TOKEN}, {"token": INSTALLATION}, {"fid": INSTALLATION}]
)
async def test_every_field_that_exists_is_taken(
    providers: ProviderStandIns, client: Client, target: dict[str, str]
) -> None:
    """A message that uses everything reaches a token or an installation, unchanged."""
    message = {**EVERYTHING, **target}

    status, _ = await send(providers, client, message)

    assert status == 200
    assert [entry.payload for entry in providers.ledger.entries()] == [message]


@pytest.mark.parametrize("target", [{"topic": "news"}, {"condition": "'a' in topics"}])
async def test_topics_need_no_device(
    providers: ProviderStandIns, client: Client, target: dict[str, str]
) -> None:
    """A message to a topic or a condition is accepted as such."""
    status, _ = await send(providers, client, {"data": {"k": "v"}, **target})

    assert status == 200
    assert [entry.token for entry in providers.ledger.entries()] == list(target.values())


async def test_camel_case_and_null_are_read(providers: ProviderStandIns, client: Client) -> None:
    """Names may be camelCase, null is the same as absent, and the ledger has snake_case."""
    message = {
        "token": TOKEN,
        "notification": None,
        "android": {"collapseKey": "c", "notification": {"notificationCount": "2"}},
        "fcmOptions": {"analyticsLabel": "x"},
    }

    assert (await send(providers, client, message))[0] == 200
    assert [entry.payload for entry in providers.ledger.entries()] == [
        {
            "token": TOKEN,
            "android": {"collapse_key": "c", "notification": {"notification_count": 2}},
            "fcm_options": {"analytics_label": "x"},
        }
    ]


@pytest.mark.parametrize(
    ("message", "field", "description"),
    [
        ({}, "message", "Message is not set."),
        ({"data": {"a": "b"}}, "message", "Recipient of the message is not set."),
        ({"token": ""}, "message", "Recipient of the message is not set."),
        (
            {"token": TOKEN, "data": {"a": "1", "from": "x"}},
            "message.data[1].key",
            "Invalid data payload key: from",
        ),
        (
            {"token": TOKEN, "data": {"google.x": "x"}},
            "message.data[0].key",
            "Invalid data payload key: google.x",
        ),
        (
            {"token": TOKEN, "android": {"data": {"gcm": "x"}}},
            "message.android.data[0].key",
            "Invalid data payload key: gcm",
        ),
        (
            {"token": TOKEN, "android": {"ttl": "2419201s"}},
            "message.android.ttl",
            "Invalid TTL: must be between 0s and 2419200s",
        ),
        (
            {"token": TOKEN, "android": {"ttl": "-1s"}},
            "message.android.ttl",
            "Invalid TTL: must be between 0s and 2419200s",
        ),
        ({"token": TOKEN, "data": {"a": "x" * 4096}}, "message", "Android message is too big"),
        ({"topic": "news", "data": {"a": "x" * 2048}}, "message", "Android message is too big"),
        (
            {"token": TOKEN, "apns": {"payload": {"aps": {"alert": "é" * 2048}}}},
            "message",
            "iOS message is too big",
        ),
    ],
)
async def test_what_fcm_itself_refuses_has_both_details(
    providers: ProviderStandIns,
    client: Client,
    message: dict[str, Any],
    field: str,
    description: str,
) -> None:
    """A readable message that FCM does not take has an FcmError and the field that is wrong."""
    status, body = await send(providers, client, message)

    assert (status, body["error"]["message"]) == (400, description)
    assert body["error"]["details"] == [
        {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
        {
            "@type": BAD_REQUEST,
            "fieldViolations": [{"field": field, "description": description}],
        },
    ]
    assert len(providers.ledger) == 0


@pytest.mark.parametrize(
    "message",
    [
        {"token": TOKEN, "data": {"a": "x" * 4088}},
        {"token": TOKEN, "android": {"ttl": "2419200s"}},
        {"token": TOKEN, "android": {"ttl": "0s"}},
        {"token": TOKEN, "data": {"sender_from": "x", "gcmx": "y"}},
        {"topic": "news", "data": {"a": "x" * 2040}},
    ],
)
async def test_what_is_just_within_the_limits_is_taken(
    providers: ProviderStandIns, client: Client, message: dict[str, Any]
) -> None:
    """4096 bytes, four weeks, zero seconds and keys that only resemble reserved ones pass."""
    assert (await send(providers, client, message))[0] == 200
