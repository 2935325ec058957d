"""The stand-in for APNs checks path, headers, payload and device as Apple does."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import Fail, ProviderStandIns, show
from gtr_jobs.dev.standins.phones import make_apns_token

TOPIC = "com.example.app"
PAYLOAD = {"aps": {"alert": {"title": "T", "body": "B"}, "badge": 1}}


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
async def client(providers: ProviderStandIns, tmp_path: Path) -> AsyncIterator[Client]:
    """An HTTP/2 client with a good provider token."""
    environment = providers.write_credentials(tmp_path)
    key = (tmp_path / f"AuthKey_{environment['GTR_APNS_KEY_ID']}.p8").read_text(encoding="utf-8")
    claims = {"iss": environment["GTR_APNS_TEAM_ID"], "iat": int(time.time())}
    kid = {"kid": environment["GTR_APNS_KEY_ID"]}
    bearer = jwt.encode(claims, key, algorithm="ES256", headers=kid)
    builder = ClientBuilder().add_root_certificate_pem(providers.ca_file.read_bytes()).http2(True)
    async with builder.default_headers({"authorization": f"bearer {bearer}"}).build() as opened:
        yield opened


async def send(
    providers: ProviderStandIns,
    client: Client,
    token: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    method: str = "POST",
) -> tuple[int, Any, str | None]:
    """Send a push: its status, what the body says, and the id it got."""
    url = f"{providers.apns.url}/3/device/{token}"
    sent = {"apns-topic": TOPIC, "apns-push-type": "alert", **(headers or {})}
    content = json.dumps(PAYLOAD).encode() if body is None else body
    request = client.request(method, url).headers({k: v for k, v in sent.items() if v})
    response = await request.body_bytes(content).build().send()
    text = await response.text()
    return response.status, json.loads(text) if text else None, response.get_header("apns-id")


async def test_a_push_is_accepted_and_recorded(providers: ProviderStandIns, client: Client) -> None:
    """200 with an empty body and the sender's id; the ledger has the push and its headers."""
    token = providers.phones.add_new("apns", app=TOPIC)
    apns_id = str(uuid.uuid4())
    headers = {
        "apns-id": apns_id,
        "apns-priority": "10",
        "apns-expiration": "1760000000",
        "apns-collapse-id": "conversation-1",
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    }

    answer = await send(providers, client, token, headers)

    assert answer == (200, None, apns_id)
    [entry] = providers.ledger.entries()
    assert (entry.provider, entry.token, entry.message_id) == ("apns", token, apns_id)
    assert entry.payload == PAYLOAD
    assert dict(entry.headers) == {
        **headers,
        "apns-topic": TOPIC,
        "apns-push-type": "alert",
        "user-agent": entry.headers["user-agent"],
    }
    assert (show(entry).title, show(entry).collapse_id) == ("T", "conversation-1")


async def test_a_push_without_an_id_gets_one(providers: ProviderStandIns, client: Client) -> None:
    """APNs makes a UUID where the sender gave none, for acceptances and refusals alike."""
    _, _, accepted = await send(providers, client, make_apns_token())
    _, _, refused = await send(providers, client, "xyz")

    assert accepted is not None
    assert refused is not None
    assert uuid.UUID(accepted) != uuid.UUID(refused)


async def test_an_id_is_echoed_as_it_was_sent(providers: ProviderStandIns, client: Client) -> None:
    """A refusal carries the id as well, in the sender's spelling."""
    apns_id = str(uuid.uuid4()).upper()

    answer = await send(providers, client, "xyz", {"apns-id": apns_id})

    assert answer == (400, {"reason": "BadDeviceToken"}, apns_id)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"apns-id": "not-a-uuid"}, "BadMessageId"),
        ({"apns-expiration": "tomorrow"}, "BadExpirationDate"),
        ({"apns-expiration": "1.5"}, "BadExpirationDate"),
        ({"apns-push-type": "shout"}, "InvalidPushType"),
        ({"apns-priority": "7"}, "BadPriority"),
        ({"apns-priority": "high"}, "BadPriority"),
        ({"apns-priority": "10", "apns-push-type": "background"}, "BadPriority"),
        ({"apns-collapse-id": "x" * 65}, "BadCollapseId"),
        ({"apns-topic": ""}, "MissingTopic"),
        ({"apns-topic": "not a topic"}, "BadTopic"),
        ({"apns-topic": "com.example.other"}, "TopicDisallowed"),
    ],
)
async def test_a_wrong_header_is_refused(
    providers: ProviderStandIns, client: Client, headers: dict[str, str], reason: str
) -> None:
    """Each header has its rule and each broken rule its reason."""
    status, body, _ = await send(providers, client, make_apns_token(), headers)

    assert (status, body) == (400, {"reason": reason})
    assert len(providers.ledger) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"apns-expiration": "0"},
        {"apns-priority": "1"},
        {"apns-priority": "5", "apns-push-type": "background"},
        {"apns-push-type": "background"},
        {"apns-push-type": ""},
        {"apns-collapse-id": "x" * 64},
        {"apns-push-type": "voip", "apns-topic": f"{TOPIC}.voip"},
        {"apns-push-type": "liveactivity", "apns-topic": f"{TOPIC}.push-type.liveactivity"},
    ],
)
async def test_good_headers_are_taken(
    providers: ProviderStandIns, client: Client, headers: dict[str, str]
) -> None:
    """Every priority, type of push and topic that exists passes."""
    assert (await send(providers, client, make_apns_token(), headers))[0] == 200


async def test_a_repeated_header_is_refused(providers: ProviderStandIns, client: Client) -> None:
    """An apns header that comes twice is DuplicateHeaders."""
    url = f"{providers.apns.url}/3/device/{make_apns_token()}"
    twice = [("apns-topic", TOPIC), ("apns-priority", "5"), ("apns-priority", "10")]

    response = await client.post(url).headers(twice).body_bytes(b"{}").build().send()

    assert (response.status, await response.json()) == (400, {"reason": "DuplicateHeaders"})


@pytest.mark.parametrize(
    ("token", "method", "answer"),
    [
        ("ab" * 32, "GET", (405, {"reason": "MethodNotAllowed"})),
        ("", "POST", (400, {"reason": "MissingDeviceToken"})),
        ("../devices/x", "POST", (404, {"reason": "BadPath"})),
        ("not-hexadecimal", "POST", (400, {"reason": "BadDeviceToken"})),
        ("ab" * 31, "POST", (400, {"reason": "BadDeviceToken"})),
        ("ab" * 32 + "a", "POST", (400, {"reason": "BadDeviceToken"})),
    ],
)
async def test_a_wrong_path_is_refused(
    providers: ProviderStandIns,
    client: Client,
    token: str,
    method: str,
    answer: tuple[int, dict[str, str]],
) -> None:
    """Method, path and the token's shape are each checked."""
    status, body, _ = await send(providers, client, token, method=method)

    assert (status, body) == answer


@pytest.mark.parametrize("length", [32, 64, 100])
async def test_tokens_of_any_length_are_taken(
    providers: ProviderStandIns, client: Client, length: int
) -> None:
    """Simulators have longer tokens than devices, and case does not matter."""
    assert (await send(providers, client, "aB" * length))[0] == 200


def sized(size: int) -> bytes:
    """Make a payload of exactly so many bytes."""
    frame = len(b'{"aps":{"alert":""}}')
    return b'{"aps":{"alert":"' + b"x" * (size - frame) + b'"}}'


@pytest.mark.parametrize(
    ("body", "push_type", "answer"),
    [
        (sized(4096), "alert", (200, None)),
        (sized(4097), "alert", (413, {"reason": "PayloadTooLarge"})),
        (sized(5120), "voip", (200, None)),
        (sized(5121), "voip", (413, {"reason": "PayloadTooLarge"})),
        (sized(100_000), "alert", (413, {"reason": "PayloadTooLarge"})),
        (b"", "alert", (400, {"reason": "PayloadEmpty"})),
        (b"{}", "alert", (400, {"reason": "PayloadEmpty"})),
        (b"[1]", "alert", (400, {"reason": "PayloadEmpty"})),
        (b"no json", "alert", (400, {"reason": "PayloadEmpty"})),
    ],
)
async def test_the_payload_has_limits(
    providers: ProviderStandIns,
    client: Client,
    body: bytes,
    push_type: str,
    answer: tuple[int, dict[str, str] | None],
) -> None:
    """4096 bytes, 5120 for VoIP, and something in it."""
    headers = {"apns-push-type": push_type}

    status, found, _ = await send(providers, client, make_apns_token(), headers, body)

    assert (status, found) == answer


async def test_a_phone_without_the_app_is_unregistered(
    providers: ProviderStandIns, client: Client
) -> None:
    """410 says since when, in milliseconds; a phone that registers again is served again."""
    token = providers.phones.add_new("apns")
    providers.phones.uninstall(token, at=1_750_000_000.5)

    gone = await send(providers, client, token)
    providers.phones.add(token)
    back = await send(providers, client, token)

    assert gone[:2] == (410, {"reason": "Unregistered", "timestamp": 1_750_000_000_500})
    assert back[0] == 200


async def test_a_token_belongs_to_an_app_and_an_environment(
    providers: ProviderStandIns, client: Client
) -> None:
    """Another app's token is not for the topic; the other environment's is a bad token."""
    foreign = providers.phones.add_new("apns", app="com.example.other")
    of_development = providers.phones.add_new("apns", sandbox=True)
    of_production = providers.phones.add_new("apns", sandbox=False)

    answers = [
        (await send(providers, client, token))[:2]
        for token in (foreign, of_development, of_production)
    ]

    assert answers == [
        (400, {"reason": "DeviceTokenNotForTopic"}),
        (400, {"reason": "BadDeviceToken"}),
        (200, None),
    ]


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 400)])
async def test_unknown_tokens_are_taken_unless_strict(
    providers: ProviderStandIns, client: Client, strict: bool, status: int
) -> None:
    """People can try tokens of their own; a strict registry knows only its phones."""
    providers.phones.strict = strict

    assert (await send(providers, client, make_apns_token()))[0] == status


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (Fail(503, "ServiceUnavailable"), (503, {"reason": "ServiceUnavailable"})),
        (Fail(429, "TooManyRequests"), (429, {"reason": "TooManyRequests"})),
        (
            Fail(410, "ExpiredToken", details={"timestamp": 5}),
            (410, {"reason": "ExpiredToken", "timestamp": 5}),
        ),
    ],
)
async def test_the_next_requests_can_fail(
    providers: ProviderStandIns,
    client: Client,
    failure: Fail,
    answer: tuple[int, dict[str, Any]],
) -> None:
    """A scripted failure comes in Apple's shape with the push's id, and then all is well."""
    providers.apns.script.add(failure)
    apns_id = str(uuid.uuid4())

    first = await send(providers, client, make_apns_token(), {"apns-id": apns_id})
    second = await send(providers, client, make_apns_token())

    assert first == (*answer, apns_id)
    assert second[0] == 200
