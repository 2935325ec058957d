"""Twilio's own library for Python works with the stand-in for Twilio, and sends what we send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from gtr_jobs.dev.standins import Fail, ProviderStandIns
from gtr_jobs.dev.standins.callbacks import sign_as_twilio
from gtr_jobs.dev.standins.exchange import Request
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.domain.sms import SmsMessage
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.twilio import TwilioProvider
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

pytestmark = pytest.mark.asyncio(loop_scope="module")

TO = "+14155550123"
SENDER = "+15005550006"
SERVICE = f"MG{'0' * 32}"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DELIVERY = UUID("6f2c6c0e-52f4-4a53-9b1e-4f0f5a9d2f11")
CALLBACK = "https://example.com/webhooks/twilio/status"
# What a library and the machine below it say of themselves, and who is asked.
OF_THE_WIRE = {"host", "accept-encoding", "connection", "content-length"}


@pytest.fixture
def client(providers: ProviderStandIns, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Twilio's client as its documentation makes it; requests takes its authorities from the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(providers.ca_file))
    twilio = providers.twilio
    client = Client(twilio.account, twilio.auth_token, http_client=TwilioHttpClient(timeout=5))
    client.api.base_url = twilio.url
    return client


@pytest.fixture
def seen(providers: ProviderStandIns, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that the stand-in got."""
    requests: list[Request] = []
    answer = providers.twilio.answer

    def note(request: Request) -> Any:
        requests.append(request)
        return answer(request)

    monkeypatch.setattr(providers.twilio, "answer", note)
    return requests


@pytest_asyncio.fixture(loop_scope="module")
async def open_provider(
    providers: ProviderStandIns,
) -> AsyncIterator[Callable[..., TwilioProvider]]:
    """Makes providers of ours."""
    made: list[TwilioProvider] = []

    def make(login: TwilioLogin | None = None, **sender: str) -> TwilioProvider:
        twilio = providers.twilio
        login = login or TwilioLogin(twilio.account, twilio.auth_token)
        account = TwilioAccount(twilio.account, [login], **(sender or {"sender": SENDER}))
        options = HttpOptions(ca_file=providers.ca_file)
        made.append(TwilioProvider(account, twilio.url, options, now=lambda: NOW))
        return made[-1]

    yield make
    for provider in made:
        await provider.close()


def _shown(request: Request) -> dict[str, Any]:
    """Give all of a request that Twilio could tell apart."""
    path, _, query = request.path.partition("?")
    headers = {name: value for name, value in request.headers.items() if name not in OF_THE_WIRE}
    form = sorted(parse_qsl(request.body.decode(), keep_blank_values=True))
    return {
        "line": (request.method, path),
        "query": sorted(parse_qsl(query)),
        "headers": headers,
        "form": form,
        "repeated": request.repeated,
    }


async def test_the_library_creates_lists_and_fetches_messages(
    providers: ProviderStandIns, client: Any
) -> None:
    """And reads of each what it wrote, over several pages."""
    created = [
        await asyncio.to_thread(
            client.messages.create, to=TO, from_=SENDER, body=f"Number {number}"
        )
        for number in range(5)
    ]
    listed = await asyncio.to_thread(client.messages.list, to=TO, page_size=2)
    fetched = await asyncio.to_thread(client.messages(created[0].sid).fetch)
    assert [each.sid for each in listed] == [each.sid for each in reversed(created)]
    assert (fetched.sid, fetched.body, fetched.status) == (created[0].sid, "Number 0", "queued")
    assert (fetched.num_segments, fetched.price, fetched.price_unit) == ("1", None, "USD")
    assert fetched.date_created is not None
    assert providers.ledger.total == 5
    assert await asyncio.to_thread(client.messages.list, to="+14155550124") == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"to": "5551234", "from_": SENDER, "body": "Hi"}, 21211),
        ({"to": TO, "from_": SENDER, "body": ""}, 21602),
        ({"to": TO, "from_": SENDER, "body": "x" * 1601}, 21617),
        ({"to": TO, "body": "Hi"}, 21603),
        ({"to": TO, "from_": SENDER, "body": "Hi", "status_callback": "nowhere"}, 21609),
        ({"to": "+14155550199", "from_": SENDER, "body": "Hi"}, 21610),
        ({"to": "+14155550198", "from_": SENDER, "body": "Hi"}, 30450),
    ],
)
async def test_the_library_reads_every_refusal(
    providers: ProviderStandIns, client: Any, form: dict[str, str], code: int
) -> None:
    """Bad forms, and numbers that a test or a script has refused."""
    providers.twilio.refusals["+14155550199"] = 21610
    providers.twilio.script.for_token("+14155550198").add(Fail(400, "30450"))
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(client.messages.create, **form)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert providers.ledger.total == 0


async def test_the_library_is_refused_with_a_wrong_token(
    providers: ProviderStandIns, client: Any
) -> None:
    """By Twilio's own code."""
    stranger = Client(providers.twilio.account, "wrong", http_client=client.http_client)
    stranger.api.base_url = providers.twilio.url
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(stranger.messages.create, to=TO, from_=SENDER, body="Hi")
    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize("by", ["sender", "messaging_service"])
@pytest.mark.parametrize("body", ["Your code is 123456", "Grüße & + = % \u20ac\n\U0001f600"])
async def test_we_send_what_the_library_sends(
    client: Any,
    seen: list[Request],
    open_provider: Callable[..., TwilioProvider],
    by: str,
    body: str,
) -> None:
    """Every parameter and every header that is Twilio's, once over the library's own connection."""
    message = SmsMessage(DELIVERY, TO, body, NOW + timedelta(seconds=299.5), CALLBACK)
    named = {"sender": SENDER} if by == "sender" else {"messaging_service": SERVICE}
    outcome = await open_provider(**named).send(message)
    arguments = {"from_": SENDER} if by == "sender" else {"messaging_service_sid": SERVICE}
    await asyncio.to_thread(
        client.messages.create,
        to=TO,
        body=body,
        status_callback=f"{CALLBACK}?d={DELIVERY}",
        validity_period=300,
        **arguments,
    )
    ours, theirs = map(_shown, seen)
    assert isinstance(outcome, Accepted)
    assert ours == theirs
    assert dict(ours["form"])["ValidityPeriod"] == "300"


async def test_we_list_and_fetch_as_the_library_does(
    client: Any, seen: list[Request], open_provider: Callable[..., TwilioProvider]
) -> None:
    """The same questions, word for word."""
    provider = open_provider()
    message = SmsMessage(DELIVERY, TO, "Hi", NOW + timedelta(minutes=5))
    sent = await provider.send(message)
    assert isinstance(sent, Accepted)
    await provider.find(message, datetime.now(UTC) + timedelta(hours=1))
    await provider.read(sent.provider_id)
    await asyncio.to_thread(client.messages.list, to=TO, page_size=100)
    await asyncio.to_thread(client.messages(sent.provider_id).fetch)
    _, our_list, our_fetch, their_list, their_fetch = map(_shown, seen)
    assert (our_list, our_fetch) == (their_list, their_fetch)


async def test_an_api_key_signs_in_as_the_library_does(
    providers: ProviderStandIns,
    client: Any,
    seen: list[Request],
    open_provider: Callable[..., TwilioProvider],
) -> None:
    """The key's name and secret, and the account in the path."""
    sid, secret = providers.twilio.add_key()
    by_key = Client(sid, secret, providers.twilio.account, http_client=client.http_client)
    by_key.api.base_url = providers.twilio.url
    await open_provider(TwilioLogin(sid, secret)).check()
    await asyncio.to_thread(by_key.messages.page, page_size=1)
    ours, theirs = map(_shown, seen)
    assert ours == theirs


async def test_the_stand_in_signs_what_the_librarys_validator_takes(
    providers: ProviderStandIns,
) -> None:
    """Reports, whatever is in them, over the address with its query."""
    url = f"{CALLBACK}?d={DELIVERY}"
    form = {"MessageSid": "SM1", "Body": "Grüße & \u20ac", "Empty": "", "To": TO}
    validator = RequestValidator(providers.twilio.auth_token)
    signature = sign_as_twilio(providers.twilio.auth_token, url, form)
    assert validator.validate(url, form, signature)
    assert not validator.validate(url, {**form, "To": SENDER}, signature)


async def test_the_signature_is_that_of_twilios_documentation() -> None:
    """The example that its library is tested with."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    signature = sign_as_twilio("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)
    assert signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
