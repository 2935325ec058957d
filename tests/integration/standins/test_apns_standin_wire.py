"""The stand-in for APNs behaves on the wire as Apple's servers do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from h2.events import RemoteSettingsChanged, ResponseReceived
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import RequestError

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.frame_client import FrameClient, connect
from gtr_jobs.dev.standins.phones import make_apns_token

TOPIC = "com.example.app"
BODY = b'{"aps":{"alert":"hello"}}'


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
def environment(providers: ProviderStandIns, tmp_path: Path) -> dict[str, str]:
    """What a sender is given."""
    return providers.write_credentials(tmp_path, topic=TOPIC)


@pytest.fixture
def key(environment: dict[str, str]) -> str:
    """The signing key as text."""
    return Path(environment["GTR_APNS_KEY_FILE"]).read_text(encoding="utf-8")


@pytest.fixture
def headers(environment: dict[str, str], key: str) -> dict[str, str]:
    """What a good push carries."""
    claims = {"iss": environment["GTR_APNS_TEAM_ID"], "iat": int(time.time())}
    kid = {"kid": environment["GTR_APNS_KEY_ID"]}
    bearer = jwt.encode(claims, key, algorithm="ES256", headers=kid)
    return {"authorization": f"bearer {bearer}", "apns-topic": TOPIC}


async def push(client: FrameClient, token: str, headers: dict[str, str]) -> bytes:
    """Send a push frame by frame and give the status."""
    await client.post(f"/3/device/{token}", BODY, headers)
    return dict((await client.read(ResponseReceived)).headers)[b":status"]


async def test_http1_is_refused(providers: ProviderStandIns) -> None:
    """A client that speaks HTTP/1.1 gets no answer it could read."""
    certificate = providers.ca_file.read_bytes()
    url = f"{providers.apns.url}/3/device/{make_apns_token()}"
    async with ClientBuilder().add_root_certificate_pem(certificate).http1_only().build() as client:
        with pytest.raises(RequestError):
            await client.post(url).body_bytes(BODY).build().send()

    assert providers.apns.answered == {}


async def test_a_stranger_has_one_stream_until_a_push_has_authenticated(
    providers: ProviderStandIns, headers: dict[str, str]
) -> None:
    """MAX_CONCURRENT_STREAMS is 1, stays 1 after a wrong token, and grows after a good one."""
    token = make_apns_token()
    async with connect(providers.apns.server.port, providers.ca_file) as client:
        allowed = [client.streams_allowed]
        statuses = [await push(client, token, {**headers, "authorization": "bearer x"})]
        allowed.append(client.streams_allowed)
        statuses.append(await push(client, token, headers))
        await client.read(RemoteSettingsChanged)
        allowed.append(client.streams_allowed)

    assert (statuses, allowed) == ([b"403", b"200"], [1, 1, 1000])


async def test_a_refused_push_can_narrow_the_connection(
    providers: ProviderStandIns, headers: dict[str, str]
) -> None:
    """Where it is asked for, a refusal brings one stream back until a push is accepted."""
    providers.apns.narrows_after_refusal = True
    providers.apns.streams_when_known = 50
    gone = providers.phones.add_new("apns")
    providers.phones.uninstall(gone)
    allowed = []
    async with connect(providers.apns.server.port, providers.ca_file) as client:
        for token in (make_apns_token(), gone):
            await push(client, token, headers)
            await client.read(RemoteSettingsChanged)
            allowed.append(client.streams_allowed)
        await push(client, gone, headers)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.read(RemoteSettingsChanged), 0.05)
        await push(client, make_apns_token(), headers)
        await client.read(RemoteSettingsChanged)
        allowed.append(client.streams_allowed)

    assert allowed == [50, 1, 50]


async def test_many_pushes_share_a_connection(
    providers: ProviderStandIns, headers: dict[str, str]
) -> None:
    """A client that obeys the settings sends 200 pushes at once over one connection."""
    certificate = providers.ca_file.read_bytes()
    tokens = [make_apns_token() for _ in range(200)]
    builder = ClientBuilder().add_root_certificate_pem(certificate).http2(True)
    async with builder.default_headers(headers).build() as client:

        async def send(token: str) -> int:
            url = f"{providers.apns.url}/3/device/{token}"
            return (await client.post(url).body_bytes(BODY).build().send()).status

        first = await send(tokens[0])  # reqwest opens connections until one is known to share
        statuses = await asyncio.gather(*[send(token) for token in tokens[1:]])
        connections = providers.apns.server.connections

    assert ([first, *statuses], connections) == ([200] * 200, 1)
    assert {entry.token for entry in providers.ledger.entries()} == set(tokens)
