"""The stand-in for Google's token endpoint takes what Google takes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pyreqwest.client import ClientBuilder

from gtr_jobs.dev.standins import Fail, ProviderStandIns
from gtr_jobs.dev.standins.google_oauth import GOOGLE_AUDIENCE, GRANT_TYPE

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest.fixture
def account_file(providers: ProviderStandIns, tmp_path: Path) -> dict[str, Any]:
    """A service account that the stand-ins know."""
    environment = providers.write_credentials(tmp_path)
    read: dict[str, Any] = json.loads(
        Path(environment["GTR_FCM_CREDENTIALS_FILE"]).read_text(encoding="utf-8")
    )
    return read


def sign(account_file: dict[str, Any], **changes: Any) -> str:
    """Sign a good JWT, with changes; None leaves a claim out."""
    now = int(time.time())
    claims = {
        "iss": account_file["client_email"],
        "scope": SCOPE,
        "aud": GOOGLE_AUDIENCE,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    key_id = account_file["private_key_id"]
    return jwt.encode(kept, account_file["private_key"], algorithm="RS256", headers={"kid": key_id})


async def ask(providers: ProviderStandIns, **form: str) -> tuple[int, dict[str, Any]]:
    """Post a form to the token endpoint."""
    certificate = providers.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).build() as client:
        response = await client.post(providers.oauth.token_url).form(form).build().send()
        return response.status, await response.json()


async def test_the_answer_has_googles_shape(
    providers: ProviderStandIns, account_file: dict[str, Any]
) -> None:
    """access_token, expires_in and token_type, and nothing else."""
    status, body = await ask(providers, grant_type=GRANT_TYPE, assertion=sign(account_file))

    assert status == 200
    assert body == {
        "access_token": body["access_token"],
        "expires_in": 3599,
        "token_type": "Bearer",
    }
    assert providers.oauth.find(body["access_token"]) is not None


async def test_our_own_address_is_an_audience_too(
    providers: ProviderStandIns, account_file: dict[str, Any]
) -> None:
    """Libraries that name the token_uri as audience are served as well."""
    assertion = sign(account_file, aud=providers.oauth.token_url)

    assert (await ask(providers, grant_type=GRANT_TYPE, assertion=assertion))[0] == 200


@dataclass(frozen=True)
class FromNow:
    """A time that is so many seconds from when the test runs."""

    seconds: int


UNTIMELY = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"iss": "nobody@x"}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": None}, "invalid_grant", "Invalid grant: account not found"),
        ({"aud": "https://elsewhere"}, "invalid_grant", "Invalid JWT: Failed audience check."),
        ({"iat": FromNow(-10_000)}, "invalid_grant", UNTIMELY),
        ({"iat": FromNow(1000)}, "invalid_grant", UNTIMELY),
        ({"exp": FromNow(3700)}, "invalid_grant", UNTIMELY),
        ({"exp": FromNow(-1000), "iat": FromNow(-4000)}, "invalid_grant", UNTIMELY),
        ({"exp": None}, "invalid_grant", UNTIMELY),
        (
            {"scope": "messages"},
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ),
        ({"scope": None}, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
    ],
)
async def test_a_wrong_claim_is_refused(
    providers: ProviderStandIns,
    account_file: dict[str, Any],
    changes: dict[str, Any],
    error: str,
    description: str,
) -> None:
    """Issuer, audience, times and scope are each checked, and refused in Google's words."""
    # Cases are collected minutes before they run: a time among them is counted from here.
    now = int(time.time())
    claims = {
        name: now + value.seconds if isinstance(value, FromNow) else value
        for name, value in changes.items()
    }
    assertion = sign(account_file, **claims)

    answer = await ask(providers, grant_type=GRANT_TYPE, assertion=assertion)

    assert answer == (400, {"error": error, "error_description": description})


async def test_a_wrong_signature_is_refused(
    providers: ProviderStandIns, account_file: dict[str, Any]
) -> None:
    """Another key, another key id and an unsigned JWT are all invalid signatures."""
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(sign(account_file), options={"verify_signature": False})
    assertions = [
        jwt.encode(claims, stranger, algorithm="RS256"),
        jwt.encode(claims, "", algorithm="none"),
        sign({**account_file, "private_key_id": "0" * 40}),
    ]

    answers = [
        await ask(providers, grant_type=GRANT_TYPE, assertion=assertion) for assertion in assertions
    ]

    wrong = (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    assert answers == [wrong, wrong, wrong]


async def test_a_wrong_form_is_refused(providers: ProviderStandIns) -> None:
    """A missing grant type, a missing assertion and garbage have an error each."""
    errors = [
        (await ask(providers, **form))[1]["error"]
        for form in (
            {"assertion": "x"},
            {"grant_type": "password", "assertion": "x"},
            {"grant_type": GRANT_TYPE},
            {"grant_type": GRANT_TYPE, "assertion": "garbage"},
        )
    ]

    assert errors == [
        "unsupported_grant_type",
        "unsupported_grant_type",
        "invalid_request",
        "invalid_grant",
    ]


async def test_the_endpoint_can_be_scripted(
    providers: ProviderStandIns, account_file: dict[str, Any]
) -> None:
    """The next request can fail, and all is well after it."""
    providers.oauth.script.add(Fail(503, "temporarily_unavailable"))
    assertion = sign(account_file)

    first = await ask(providers, grant_type=GRANT_TYPE, assertion=assertion)
    second = await ask(providers, grant_type=GRANT_TYPE, assertion=assertion)

    assert first[0] == 503
    assert first[1]["error"] == "temporarily_unavailable"
    assert second[0] == 200
    assert providers.oauth.answered == {"503": 1, "200": 1}
