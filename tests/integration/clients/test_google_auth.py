"""google-auth, Google's own library for Python, works with the stand-in for Google's OAuth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import google.auth.exceptions
import google.auth.transport.requests
import pytest
import requests
from google.oauth2 import service_account
from support.fcm_faults import ACCOUNT_FAULTS, UNTIMELY, set_googles_clock_back

from gtr_jobs.dev.standins import Fail, ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")

# google-auth has no types for it.
from_info: Any = service_account.Credentials.from_service_account_info
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


@pytest.fixture
def transport(providers: ProviderStandIns) -> Iterator[Callable[..., Any]]:
    """What google-auth sends its requests with."""
    with requests.Session() as session:
        session.trust_env = False  # the environment's authorities would win over ours
        session.verify = str(providers.ca_file)
        yield google.auth.transport.requests.Request(session)


async def test_an_account_gets_a_token(
    providers: ProviderStandIns, account: dict[str, Any], transport: Callable[..., Any]
) -> None:
    """google-auth exchanges its JWT for a token that lives an hour and may send messages."""
    credentials = from_info(account, scopes=[SCOPE])
    await asyncio.to_thread(credentials.refresh, transport)

    token = providers.oauth.find(credentials.token)
    assert token is not None
    assert (token.account.project, sorted(token.scopes)) == ("gtr-standin", [SCOPE])
    assert 3500 < token.expires_at - time.time() <= 3600
    assert credentials.valid


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("another key", "Invalid JWT Signature."),
        ("deleted key", "Invalid JWT Signature."),
        ("nobody", "Invalid grant: account not found"),
        ("late clock", UNTIMELY),
    ],
)
async def test_an_account_that_google_refuses_gets_none(
    providers: ProviderStandIns,
    account: dict[str, Any],
    transport: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    """The error is one that need not be tried again, with Google's code and words."""
    if fault == "late clock":
        set_googles_clock_back(monkeypatch, timedelta(hours=2))
    else:
        account = ACCOUNT_FAULTS[fault](account, providers)
    credentials = from_info(account, scopes=[SCOPE])

    with pytest.raises(google.auth.exceptions.RefreshError) as caught:
        await asyncio.to_thread(credentials.refresh, transport)

    said, body = caught.value.args
    assert said.startswith(f"invalid_grant: {words}")
    assert body["error"] == "invalid_grant"
    assert not caught.value.retryable
    assert providers.oauth.answered == {"400": 1}


async def test_a_fault_of_google_is_one_to_try_again(
    providers: ProviderStandIns, account: dict[str, Any], transport: Callable[..., Any]
) -> None:
    """google-auth asks again by itself when the endpoint is unavailable, and gets its token."""
    providers.oauth.script.add(Fail(503, "temporarily_unavailable"))
    credentials = from_info(account, scopes=[SCOPE])

    await asyncio.to_thread(credentials.refresh, transport)

    assert credentials.valid
    assert providers.oauth.answered == {"503": 1, "200": 1}
