"""What the stand-ins for Twilio and Plivo tell of messages, and to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio
from pyreqwest.client import Client, ClientBuilder
from support.sms_benches import NOW, SENDER, TO, make_sms
from twilio.request_validator import RequestValidator

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.control import Control
from gtr_jobs.dev.standins.exchange import Request, Respond
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.twilio import TwilioProvider
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLIC = "https://example.com"


class Receiver:
    """Ours: keeps what was posted to it."""

    def __init__(self) -> None:
        self.server = StandInServer(self._take)
        self.requests: list[Request] = []

    def _take(self, request: Request) -> Respond:
        self.requests.append(request)
        return Respond(204)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.server.port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def providers() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def receiver(providers: ProviderStandIns) -> AsyncIterator[Receiver]:
    """Ours, behind its public address."""
    receiver = Receiver()
    async with receiver.server:
        for standin in (providers.twilio, providers.plivo):
            standin.callbacks.forwards = {PUBLIC: receiver.url}
        yield receiver
        for standin in (providers.twilio, providers.plivo):
            await standin.callbacks.close()
    providers.reset()


async def _send(providers: ProviderStandIns) -> str:
    twilio = providers.twilio
    login = TwilioLogin(twilio.account, twilio.auth_token)
    account = TwilioAccount(twilio.account, [login], sender=SENDER)
    options = HttpOptions(ca_file=providers.ca_file)
    provider = TwilioProvider(account, twilio.url, options, now=lambda: NOW)
    outcome = await provider.send(make_sms())
    await provider.close()
    assert isinstance(outcome, Accepted)
    return outcome.provider_id


async def test_a_report_is_signed_for_the_public_address(
    providers: ProviderStandIns, receiver: Receiver
) -> None:
    """With the delivery's id in the address, as Twilio's own library checks it."""
    sid = await _send(providers)
    assert await providers.twilio.report(sid, "undelivered", error_code=30006) == 204
    (request,) = receiver.requests
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    assert (form["MessageSid"], form["MessageStatus"], form["ErrorCode"], form["To"]) == (
        sid,
        "undelivered",
        "30006",
        TO,
    )
    assert request.path == f"/webhooks/status?d={make_sms().delivery_id}"
    validator = RequestValidator(providers.twilio.auth_token)
    assert validator.validate(PUBLIC + request.path, form, request.headers["x-twilio-signature"])


async def test_what_somebody_writes_is_signed_too(
    providers: ProviderStandIns, receiver: Receiver
) -> None:
    """A STOP, as it comes in."""
    url = f"{PUBLIC}/webhooks/twilio/inbound"
    extra = {"OptOutType": "STOP"}
    assert await providers.twilio.say(url, "Stop", sender=TO, to=SENDER, extra=extra) == 204
    (request,) = receiver.requests
    form = dict(parse_qsl(request.body.decode()))
    assert (form["From"], form["Body"], form["OptOutType"]) == (TO, "Stop", "STOP")
    validator = RequestValidator(providers.twilio.auth_token)
    assert validator.validate(url, form, request.headers["x-twilio-signature"])


async def test_a_report_can_be_ordered_from_another_process(
    providers: ProviderStandIns, receiver: Receiver
) -> None:
    """By the door for orders; one for an unknown message is a mistake that is named."""
    sid = await _send(providers)
    async with Control(providers) as control, ClientBuilder().build() as client:
        order = {"provider": "twilio", "id": sid, "status": "delivered"}
        assert await _post(client, f"{control.url}/report", order) == (200, {"status": 204})
        order["id"] = "SM1"
        assert await _post(client, f"{control.url}/report", order) == (
            400,
            {"error": "'SM1' is missing"},
        )
    assert len(receiver.requests) == 1
    assert providers.twilio.messages[sid].status == "delivered"


async def test_a_step_of_smtp_can_be_scripted_from_another_process(
    providers: ProviderStandIns,
) -> None:
    """A refusal at the recipient, for one address."""
    async with Control(providers) as control, ClientBuilder().build() as client:
        order = {
            "provider": "smtp",
            "at": "recipient",
            "token": "ada@example.org",
            "answers": [{"answer": "fail", "status": 550, "reason": "5.1.1"}],
        }
        assert await _post(client, f"{control.url}/script", order) == (200, {})
    assert not providers.smtp.at["recipient"].for_token("ada@example.org").is_used_up
    providers.reset()
    assert providers.smtp.at["recipient"].for_token("ada@example.org").is_used_up


async def _post(client: Client, url: str, value: Any) -> tuple[int, Any]:
    response = await client.post(url).body_json(value).build().send()
    return response.status, await response.json()
