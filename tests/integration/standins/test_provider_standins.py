"""All stand-ins run together, hand out keys that fit, and can go away and come back."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.google_oauth import GOOGLE_AUDIENCE, GRANT_TYPE
from gtr_jobs.dev.standins.phones import make_apns_token, make_expo_token, make_fcm_token

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


def open_client(ca_file: str | Path) -> Client:
    """Make a client that trusts the stand-ins."""
    certificate = Path(ca_file).read_bytes()
    return ClientBuilder().add_root_certificate_pem(certificate).http2(True).build()


async def push_by_fcm(client: Client, environment: dict[str, str], account: Any) -> int:
    """Send with nothing but the environment and the service account in it."""
    now = int(time.time())
    claims = {"iss": account["client_email"], "scope": SCOPE, "aud": GOOGLE_AUDIENCE}
    assertion = jwt.encode(
        {**claims, "iat": now, "exp": now + 60}, account["private_key"], algorithm="RS256"
    )
    form = {"grant_type": GRANT_TYPE, "assertion": assertion}
    answer = await client.post(account["token_uri"]).form(form).build().send()
    bearer = (await answer.json())["access_token"]
    url = f"{environment['GTR_FCM_URL']}/v1/projects/{account['project_id']}/messages:send"
    request = client.post(url).bearer_auth(bearer)
    message = {"token": make_fcm_token(), "notification": {"title": "by fcm"}}
    return (await request.body_json({"message": message}).build().send()).status


async def push_by_apns(client: Client, environment: dict[str, str], key: str) -> int:
    """Send with nothing but the environment and the key in it."""
    claims = {"iss": environment["GTR_APNS_TEAM_ID"], "iat": int(time.time())}
    kid = {"kid": environment["GTR_APNS_KEY_ID"]}
    bearer = jwt.encode(claims, key, algorithm="ES256", headers=kid)
    request = client.post(f"{environment['GTR_APNS_URL']}/3/device/{make_apns_token()}")
    request = request.headers(
        {"authorization": f"bearer {bearer}", "apns-topic": environment["GTR_APNS_TOPIC"]}
    )
    return (await request.body_json({"aps": {"alert": "by apns"}}).build().send()).status


async def push_by_expo(client: Client, url: str) -> int:
    """Send to Expo."""
    request = client.post(f"{url}/--/api/v2/push/send")
    body = {"to": make_expo_token(), "title": "by expo"}
    return (await request.body_json(body).build().send()).status


def read_secret(file: str) -> str:
    """Read a key file, which nobody else may read."""
    path = Path(file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text(encoding="utf-8")


async def test_the_environment_is_all_that_a_worker_needs(tmp_path: Path) -> None:
    """With what write_credentials gives, a push goes out by each provider."""
    async with ProviderStandIns() as providers:
        environment = providers.write_credentials(tmp_path)
        account = json.loads(read_secret(environment["GTR_FCM_CREDENTIALS_FILE"]))
        key = read_secret(environment["GTR_APNS_KEY_FILE"])
        async with open_client(environment["GTR_CA_FILE"]) as client:
            statuses = [
                await push_by_fcm(client, environment, account),
                await push_by_apns(client, environment, key),
                await push_by_expo(client, environment["GTR_EXPO_URL"]),
            ]
        accepted = [entry.provider for entry in await providers.ledger.wait_for(3)]

    assert sorted(environment) == [
        "GTR_APNS_KEY_FILE",
        "GTR_APNS_KEY_ID",
        "GTR_APNS_TEAM_ID",
        "GTR_APNS_TOPIC",
        "GTR_APNS_URL",
        "GTR_CA_FILE",
        "GTR_EXPO_URL",
        "GTR_FCM_CREDENTIALS_FILE",
        "GTR_FCM_URL",
    ]
    assert (statuses, accepted) == ([200, 200, 200], ["fcm", "apns", "expo"])


async def test_a_provider_can_go_away_and_come_back() -> None:
    """Stopped, it refuses connections; started, it is at its old address with all it knew."""
    async with ProviderStandIns() as providers:
        url = providers.expo.url
        await providers.expo.stop()
        async with open_client(providers.ca_file) as client:
            with pytest.raises(ConnectError):
                await push_by_expo(client, url)
            await providers.expo.start()
            status = await push_by_expo(client, url)

        assert (status, providers.expo.url, len(providers.ledger)) == (200, url, 1)


async def test_ports_can_be_chosen() -> None:
    """A stand-in listens where it is told to; if it cannot, none is left running."""
    async with ProviderStandIns() as first:
        taken = int(first.fcm.url.rpartition(":")[2])
        second = ProviderStandIns(ports={"fcm": taken})
        with pytest.raises(OSError, match="address already in use"):
            await second.__aenter__()
        assert second.oauth.server.connections == 0
        assert not second.ca_file.exists()

    async with ProviderStandIns(ports={"fcm": taken}) as third:
        assert third.fcm.url == f"https://localhost:{taken}"


async def test_nothing_is_left_behind() -> None:
    """After the end there is no task, no file and no listener."""
    before = asyncio.all_tasks()
    async with ProviderStandIns() as providers:
        async with open_client(providers.ca_file) as client:
            await push_by_expo(client, providers.expo.url)
        folder = providers.ca_file.parent
        urls = [standin.url for standin in providers.all.values()]

    assert asyncio.all_tasks() == before
    assert not folder.exists()
    for url in urls:
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("localhost", int(url.rpartition(":")[2]))


async def test_a_stranger_is_not_trusted() -> None:
    """A client that does not know the authority does not get through TLS."""
    async with ProviderStandIns() as providers, ClientBuilder().build() as client:
        with pytest.raises(ConnectError):
            await push_by_expo(client, providers.expo.url)

        assert providers.expo.answered == {}


async def test_keys_stay_good_after_a_reset(tmp_path: Path) -> None:
    """A reset forgets what happened, not who may send."""
    async with ProviderStandIns() as providers:
        environment = providers.write_credentials(tmp_path)
        key = read_secret(environment["GTR_APNS_KEY_FILE"])
        async with open_client(providers.ca_file) as client:
            await push_by_apns(client, environment, key)
            providers.reset()
            status = await push_by_apns(client, environment, key)

        assert (status, [entry.number for entry in providers.ledger.entries()]) == (200, [1])
        assert providers.apns.answered == {"200": 1}
