"""Plivo's own library for Python works with the stand-in for Plivo, and sends what we send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import plivo
import pytest
import pytest_asyncio

from gtr_jobs.dev.standins import Fail, ProviderStandIns
from gtr_jobs.dev.standins.exchange import Request
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.domain.sms import SmsMessage
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.plivo import PlivoAccount, PlivoProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

TO, SENDER = "+14155550123", "+15005550006"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DELIVERY = UUID("6f2c6c0e-52f4-4a53-9b1e-4f0f5a9d2f11")
CALLBACK = "https://example.com/webhooks/plivo/status"


@pytest.fixture
def client(providers: ProviderStandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Plivo's client, which has no setting for whom it asks."""
    standin = providers.plivo
    monkeypatch.setattr("plivo.rest.client.PLIVO_API_BASE_URI", f"{standin.url}/v1/Account")
    with plivo.RestClient(standin.account, standin.auth_token) as client:
        client.session.verify = str(providers.ca_file)
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def provider(providers: ProviderStandIns) -> AsyncIterator[PlivoProvider]:
    """Our provider."""
    standin = providers.plivo
    account = PlivoAccount(standin.account, standin.auth_token, SENDER)
    options = HttpOptions(ca_file=providers.ca_file)
    provider = PlivoProvider(account, standin.url, options, now=lambda: NOW)
    yield provider
    await provider.close()


@pytest.fixture
def seen(providers: ProviderStandIns, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that the stand-in got."""
    requests: list[Request] = []
    answer = providers.plivo.answer

    def note(request: Request) -> Any:
        requests.append(request)
        return answer(request)

    monkeypatch.setattr(providers.plivo, "answer", note)
    return requests


def _shown(request: Request) -> dict[str, Any]:
    """Give all of a request that Plivo could tell apart."""
    path, _, query = request.path.partition("?")
    names = ("accept", "authorization", "content-type")
    return {
        "line": (request.method, path),
        "query": sorted(parse_qsl(query)),
        "headers": {name: request.headers.get(name) for name in names},
        "body": json.loads(request.body) if request.body else None,
    }


async def test_the_library_creates_lists_and_fetches_messages(
    providers: ProviderStandIns, client: Any
) -> None:
    """And reads of each what it wrote."""
    create = client.messages.create
    created = await asyncio.to_thread(create, src=SENDER[1:], dst=TO[1:], text="Hi")
    (name,) = created.message_uuid
    listed = await asyncio.to_thread(client.messages.list, limit=20)
    fetched = await asyncio.to_thread(client.messages.get, name)
    assert [each.message_uuid for each in listed.objects] == [name]
    assert (fetched.message_uuid, fetched.message_state, fetched.units) == (name, "queued", 1)
    assert providers.ledger.total == 1


async def test_the_library_reads_every_refusal(providers: ProviderStandIns, client: Any) -> None:
    """By the errors that it has for them."""
    create = client.messages.create
    with pytest.raises(plivo.exceptions.ValidationError, match="text"):
        await asyncio.to_thread(create, src=SENDER[1:], dst=TO[1:], text="")
    providers.plivo.script.add(Fail(404, "not found"), Fail(500, "oh"))
    with pytest.raises(plivo.exceptions.ResourceNotFoundError):
        await asyncio.to_thread(create, src=SENDER[1:], dst=TO[1:], text="Hi")
    with pytest.raises(plivo.exceptions.PlivoServerError):
        await asyncio.to_thread(create, src=SENDER[1:], dst=TO[1:], text="Hi")
    client.session.auth = (providers.plivo.account, "wrong")
    with pytest.raises(plivo.exceptions.AuthenticationError):
        await asyncio.to_thread(create, src=SENDER[1:], dst=TO[1:], text="Hi")
    assert providers.ledger.total == 0


async def test_we_send_what_the_library_sends(
    client: Any, seen: list[Request], provider: PlivoProvider
) -> None:
    """Every field, but for two that the library always adds with what is Plivo's default."""
    message = SmsMessage(
        DELIVERY, TO, "Gr\u00fc\u00dfe \U0001f600", NOW + timedelta(minutes=5), CALLBACK
    )
    assert isinstance(await provider.send(message), Accepted)
    await asyncio.to_thread(
        client.messages.create,
        src=SENDER,
        dst=TO,
        text=message.body,
        url=f"{CALLBACK}?d={DELIVERY}",
        message_expiry=300,
    )
    ours, theirs = map(_shown, seen)
    assert [theirs["body"].pop(name) for name in ("log", "trackable")] == ["true", False]
    assert ours == theirs


async def test_we_fetch_as_the_library_does(
    client: Any, seen: list[Request], provider: PlivoProvider
) -> None:
    """The same question, word for word; the list has filters that the library does not know."""
    message = SmsMessage(DELIVERY, TO, "Hi", NOW + timedelta(minutes=5))
    sent = await provider.send(message)
    assert isinstance(sent, Accepted)
    await provider.read(sent.provider_id)
    await asyncio.to_thread(client.messages.get, sent.provider_id)
    _, ours, theirs = map(_shown, seen)
    assert ours == theirs
