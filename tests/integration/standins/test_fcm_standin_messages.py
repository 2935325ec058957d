"""The stand-in for FCM reads messages as FCM does, and names what is wrong; pyfcm agrees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyfcm
import pyfcm.errors
import pytest
from pyreqwest.client import Client, ClientBuilder
from requests.adapters import HTTPAdapter

from gtr_jobs.dev.standins import Fail, ProviderStandIns, show
from gtr_jobs.dev.standins.phones import make_fcm_token
from gtr_jobs.dev.standins.script import FOR_EVER

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


class TrustingFcm(pyfcm.FCMNotification):  # type: ignore[misc]  # pyfcm has no types
    """pyfcm, pointed at the stand-in."""

    def __init__(self, providers: ProviderStandIns, folder: Path) -> None:
        environment = providers.write_credentials(folder)
        self.FCM_END_POINT_BASE = f"{providers.fcm.url}/v1/projects"
        super().__init__(
            service_account_file=environment["GTR_FCM_CREDENTIALS_FILE"],
            project_id="gtr-standin",
            adapter=HTTPAdapter(max_retries=0),
        )


@pytest.fixture
def fcm(
    providers: ProviderStandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrustingFcm:
    """A sender that is not ours; requests takes its authorities from the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(providers.ca_file))
    return TrustingFcm(providers, tmp_path)


@pytest.fixture
async def client(providers: ProviderStandIns, fcm: TrustingFcm) -> AsyncIterator[Client]:
    """An HTTP/2 client with pyfcm's access token."""
    bearer = await asyncio.to_thread(fcm._get_access_token)
    builder = ClientBuilder().add_root_certificate_pem(providers.ca_file.read_bytes())
    headers = {"authorization": f"Bearer {bearer}"}
    async with builder.default_headers(headers).build() as opened:
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


async def test_pyfcm_delivers(providers: ProviderStandIns, fcm: TrustingFcm) -> None:
    """What pyfcm builds and signs is accepted over HTTP/1.1, and shows on the phone."""
    answer = await asyncio.to_thread(
        fcm.notify,
        fcm_token=TOKEN,
        notification_title="Mia",
        notification_body="Hello",
        data_payload={"url": "app://1"},
        android_config={"ttl": "60s", "priority": "HIGH", "notification": {"tag": "c"}},
    )

    [entry] = providers.ledger.entries(token=TOKEN)
    shown = show(entry)
    assert answer == {"name": entry.message_id}
    assert (shown.title, shown.body, shown.url, shown.collapse_id) == (
        "Mia",
        "Hello",
        "app://1",
        "c",
    )


async def test_pyfcm_understands_the_refusals(
    providers: ProviderStandIns, fcm: TrustingFcm
) -> None:
    """pyfcm raises its own error for a device that is gone, one of others, and a fault of FCM."""
    gone = providers.phones.add_new("fcm")
    providers.phones.uninstall(gone)
    foreign = providers.phones.add_new("fcm", app="another-project")
    unlucky = providers.phones.add_new("fcm")
    providers.fcm.script.for_token(unlucky).add(Fail(500, "INTERNAL"), times=FOR_EVER)

    for token, error in (
        (gone, pyfcm.errors.FCMNotRegisteredError),
        (foreign, pyfcm.errors.FCMSenderIdMismatchError),
        (unlucky, pyfcm.errors.FCMServerError),
    ):
        with pytest.raises(error):
            await asyncio.to_thread(fcm.notify, fcm_token=token, notification_body="x")


async def test_pyfcm_fetches_a_new_token_when_the_old_one_ends(
    providers: ProviderStandIns, fcm: TrustingFcm
) -> None:
    """ACCESS_TOKEN_EXPIRED is what pyfcm looks for before it asks Google again."""
    await asyncio.to_thread(fcm.notify, fcm_token=TOKEN, notification_body="1")
    providers.oauth.expire_tokens()

    await asyncio.to_thread(fcm.notify, fcm_token=TOKEN, notification_body="2")

    assert [show(entry).body for entry in providers.ledger.entries()] == ["1", "2"]


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
        (
            {"titel": "x"},
            "message",
            "Invalid JSON payload received. Unknown name \"titel\" at 'message': "
            "Cannot find field.",
        ),
        (
            {"android": {"notification": {"badge": 1}}},
            "message.android.notification",
            'Invalid JSON payload received. Unknown name "badge" at '
            "'message.android.notification': Cannot find field.",
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
            "Invalid value at 'message.android.priority' (type.googleapis.com/"
            'google.firebase.fcm.v1.AndroidConfig.AndroidMessagePriority), "URGENT"',
        ),
        (
            {"android": {"ttl": "3600"}},
            "message.android.ttl",
            "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
            ", Field 'ttl', Illegal duration format; duration must end with 's'",
        ),
        (
            {"android": {"ttl": "an hours"}},
            "message.android.ttl",
            "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
            ", Field 'ttl', Illegal duration format",
        ),
        (
            {"android": {"ttl": 3600}},
            "message.android.ttl",
            "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
            ", 3600",
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
            "Invalid value at 'message.android.notification.event_time' "
            '(type.googleapis.com/google.protobuf.Timestamp), "now"',
        ),
        (
            {"apns": {"payload": []}},
            "message.apns.payload",
            "Invalid value at 'message.apns.payload' "
            "(type.googleapis.com/google.protobuf.Struct), []",
        ),
        (
            {"topic": "news"},
            "message",
            "Invalid value at 'message' (oneof), oneof field 'target' is already set by 'token'. "
            "Cannot set 'topic'",
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


@pytest.mark.parametrize(
    ("message", "field", "description"),
    [
        ({}, "message", "Message is not set."),
        ({"data": {"a": "b"}}, "message", "Recipient of the message is not set."),
        ({"token": ""}, "message", "Recipient of the message is not set."),
        (
            {"token": TOKEN, "data": {"ok": "1", "from": "x"}},
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
