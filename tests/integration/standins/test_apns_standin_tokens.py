"""The stand-in for APNs checks provider tokens as Apple does."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import make_apns_token

TOPIC = "com.example.app"


@dataclass
class Key:
    """A signing key as its owner has it."""

    pem: str
    key_id: str
    team: str

    def sign(self, age: float = 0.0, **changes: object) -> str:
        """Sign a provider token; None leaves a claim out."""
        claims = {"iss": self.team, "iat": int(time.time() - age), **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.pem, algorithm="ES256", headers={"kid": self.key_id})


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


def make_key(providers: ProviderStandIns, folder: Path) -> Key:
    """Make a key that the stand-in knows."""
    environment = providers.write_credentials(folder)
    key_id = environment["GTR_APNS_KEY_ID"]
    pem = (folder / f"AuthKey_{key_id}.p8").read_text(encoding="utf-8")
    return Key(pem, key_id, environment["GTR_APNS_TEAM_ID"])


@pytest.fixture
def key(providers: ProviderStandIns, tmp_path: Path) -> Key:
    """A key that the stand-in knows."""
    return make_key(providers, tmp_path)


def open_client(providers: ProviderStandIns) -> Client:
    """Make an HTTP/2 client: one connection of its own."""
    certificate = providers.ca_file.read_bytes()
    return ClientBuilder().add_root_certificate_pem(certificate).http2(True).build()


@pytest.fixture
async def client(providers: ProviderStandIns) -> AsyncIterator[Client]:
    """A client without any credentials of its own."""
    async with open_client(providers) as opened:
        yield opened


async def send(
    providers: ProviderStandIns, client: Client, authorization: str
) -> tuple[int, str | None]:
    """Send a push: its status, and the reason of a refusal."""
    url = f"{providers.apns.url}/3/device/{make_apns_token()}"
    request = client.post(url).header("apns-topic", TOPIC).body_bytes(b'{"aps":{"badge":1}}')
    if authorization:
        request = request.header("authorization", authorization)
    response = await request.build().send()
    text = await response.text()
    return response.status, json.loads(text)["reason"] if text else None


async def test_a_good_token_is_taken_again_and_again(
    providers: ProviderStandIns, client: Client, key: Key
) -> None:
    """One token serves many requests and several connections; the scheme's case is free."""
    token = key.sign()
    async with open_client(providers) as other:
        answers = [
            await send(providers, client, f"bearer {token}"),
            await send(providers, client, f"Bearer {token}"),
            await send(providers, other, f"bearer {token}"),
        ]

    assert answers == [(200, None)] * 3


@pytest.mark.parametrize("authorization", ["", "bearer", "basic abc"])
async def test_a_missing_token_is_refused(
    providers: ProviderStandIns, client: Client, authorization: str
) -> None:
    """No bearer token, no push."""
    assert await send(providers, client, authorization) == (403, "MissingProviderToken")


async def test_a_wrong_token_is_refused(
    providers: ProviderStandIns, client: Client, key: Key
) -> None:
    """Garbage, a stranger's signature, an unknown key, another team, no or an odd `iat`."""
    stranger = ec.generate_private_key(ec.SECP256R1())
    claims = {"iss": key.team, "iat": int(time.time())}
    tokens = [
        "garbage",
        jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": key.key_id}),
        Key(key.pem, "UNKNOWNKEY", key.team).sign(),
        key.sign(iss="OTHERTEAM1"),
        key.sign(iss=None),
        key.sign(iat=None),
        key.sign(iat="yesterday"),
        jwt.encode(claims, key.pem, algorithm="ES256"),
        jwt.encode(claims, "x" * 64, algorithm="HS512", headers={"kid": key.key_id}),
    ]

    answers = [await send(providers, client, f"bearer {token}") for token in tokens]

    assert answers == [(403, "InvalidProviderToken")] * len(tokens)


async def test_a_token_lives_an_hour(providers: ProviderStandIns, client: Client, key: Key) -> None:
    """Just under an hour is good, just over is expired, and the future is invalid."""
    answers = [
        await send(providers, client, f"bearer {key.sign(age)}") for age in (3590, 3610, -3600)
    ]

    assert answers == [
        (200, None),
        (403, "ExpiredProviderToken"),
        (403, "InvalidProviderToken"),
    ]


async def test_a_token_that_was_good_expires(
    providers: ProviderStandIns, client: Client, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age is checked at every use, also of a token that is known."""
    token = key.sign()
    first = await send(providers, client, f"bearer {token}")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3700)

    second = await send(providers, client, f"bearer {token}")

    assert (first, second) == ((200, None), (403, "ExpiredProviderToken"))


async def test_a_revoked_key_is_unknown(
    providers: ProviderStandIns, client: Client, key: Key
) -> None:
    """Tokens of a revoked key are refused, though they were taken before."""
    token = key.sign()
    first = await send(providers, client, f"bearer {token}")
    providers.apns.tokens.revoke(key.key_id)

    second = await send(providers, client, f"bearer {token}")

    assert (first, second) == ((200, None), (403, "InvalidProviderToken"))


async def test_a_connection_is_one_teams(
    providers: ProviderStandIns, client: Client, key: Key, tmp_path: Path
) -> None:
    """A second team on a connection is refused, and served on a connection of its own."""
    other_team = make_key(providers, tmp_path)
    await send(providers, client, f"bearer {key.sign()}")

    shared = await send(providers, client, f"bearer {other_team.sign()}")
    async with open_client(providers) as own:
        alone = await send(providers, own, f"bearer {other_team.sign()}")

    assert (shared, alone) == ((403, "InvalidProviderToken"), (200, None))


async def test_tokens_may_change_at_will_by_default(
    providers: ProviderStandIns, client: Client, key: Key
) -> None:
    """No limit is kept unless it is asked for."""
    answers = [await send(providers, client, f"bearer {key.sign(age)}") for age in (0, 1, 2)]

    assert answers == [(200, None)] * 3


async def test_too_many_new_tokens_on_a_connection_are_refused(
    providers: ProviderStandIns, client: Client, key: Key
) -> None:
    """With the limit on, a connection has one token in 20 minutes; the first stays good."""
    providers.apns.tokens.update_limit = "connection"
    first, second = key.sign(), key.sign(age=1)
    async with open_client(providers) as other:
        answers = [
            await send(providers, client, f"bearer {first}"),
            await send(providers, client, f"bearer {second}"),
            await send(providers, client, f"bearer {first}"),
            await send(providers, other, f"bearer {second}"),
        ]

    assert answers == [
        (200, None),
        (429, "TooManyProviderTokenUpdates"),
        (200, None),
        (200, None),
    ]


async def test_too_many_new_tokens_of_a_key_are_refused(
    providers: ProviderStandIns, client: Client, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by key, a second connection cannot bring a new token either, until 20 minutes on."""
    providers.apns.tokens.update_limit = "key"
    now = time.time()
    async with open_client(providers) as other:
        answers = [
            await send(providers, client, f"bearer {key.sign()}"),
            await send(providers, other, f"bearer {key.sign(age=1)}"),
        ]
        monkeypatch.setattr(time, "time", lambda: now + 1300)
        answers.append(await send(providers, other, f"bearer {key.sign()}"))

    assert answers == [(200, None), (429, "TooManyProviderTokenUpdates"), (200, None)]
