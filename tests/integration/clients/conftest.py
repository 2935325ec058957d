"""Stand-ins for the clients of one file, which share them, and the clients that several files use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from async_firebase import AsyncFirebaseClient
from support.node_client import NodeClient, run_node_client
from support.pyfcm_sender import OpenPyfcm, open_senders

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.credentials import make_service_account
from gtr_jobs.dev.standins.provider_standins import DEFAULT_PROJECT


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as providers:
        yield providers


@pytest.fixture(scope="module")
def environment(
    running: ProviderStandIns, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What a sender is given."""
    return running.write_credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def providers(running: ProviderStandIns) -> ProviderStandIns:
    """The stand-ins, with nothing scripted, no phones and an empty ledger."""
    running.reset()
    return running


@pytest.fixture
def account(providers: ProviderStandIns) -> dict[str, Any]:
    """A service account of the test's own, as clients keep an account's access token."""
    known, file = make_service_account(DEFAULT_PROJECT, providers.oauth.token_url)
    providers.oauth.register(known)
    return file


@pytest_asyncio.fixture(loop_scope="module")
async def open_pyfcm(
    providers: ProviderStandIns,
    account: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[OpenPyfcm]:
    """Makes senders with pyfcm; requests takes its authorities from the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(providers.ca_file))
    async with open_senders(providers, account, tmp_path) as make:
        yield make


@pytest.fixture
def open_async_firebase(
    providers: ProviderStandIns, account: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Makes clients with async-firebase; httpx takes its authorities from the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(providers.ca_file))
    monkeypatch.setattr("async_firebase._credentials.TOKEN_URL", providers.oauth.token_url)
    monkeypatch.setattr(AsyncFirebaseClient, "BASE_URL", providers.fcm.url)

    def make(used: Mapping[str, Any] = account, **options: Any) -> Any:
        client = AsyncFirebaseClient(**options)
        client.creds_from_service_account_info(dict(used))
        return client

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(running: ProviderStandIns) -> AsyncIterator[NodeClient]:
    """firebase-admin; what it dials for the names of Google's hosts is this machine."""
    async with run_node_client(
        "firebase_admin",
        "firebase-admin",
        f"fcm.googleapis.com={running.fcm.server.port}",
        f"oauth2.googleapis.com={running.oauth.server.port}",
        environment={"NODE_EXTRA_CA_CERTS": str(running.ca_file)},
    ) as client:
        yield client
