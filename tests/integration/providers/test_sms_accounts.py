"""Who sends text messages: logins that change, that are refused, and that cannot be any."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.answering_server import AnsweringServer
from support.answers import Answer, Drop, SeenRequest
from support.conformance_sms import SID, SmsProviderName, twilio_error, twilio_message
from support.sms_benches import ACCOUNT, NOW, SENDER, make_sms, open_sms_bench

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.domain.sms import Absent, Found
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.plivo import PlivoAccount
from gtr_jobs.providers.twilio import TwilioProvider
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

SERVICE = f"MG{'0' * 32}"
PROVIDERS: tuple[SmsProviderName, ...] = ("twilio", "plivo")


async def test_the_second_login_is_used_where_the_first_is_refused(
    answering_server: AnsweringServer,
) -> None:
    """While one token takes the place of another: and then the one that works is kept."""
    old = b64encode(f"{ACCOUNT}:old".encode()).decode()

    def decide(request: SeenRequest) -> Answer:
        is_old = request.headers["authorization"] == f"Basic {old}"
        return twilio_error(401, 20003) if is_old else Answer(201, twilio_message())

    answering_server.answer_with(decide)
    logins = (TwilioLogin(ACCOUNT, "old"), TwilioLogin(ACCOUNT, "new"))
    async with open_sms_bench("twilio", answering_server, *logins) as bench:
        assert await bench.provider.send(make_sms()) == Accepted(SID, segments=1)
        assert await bench.provider.send(make_sms()) == Accepted(SID, segments=1)
        assert len(answering_server.requests) == 3


@pytest.mark.parametrize("name", PROVIDERS)
async def test_check_says_what_is_wrong(
    answering_server: AnsweringServer, name: SmsProviderName
) -> None:
    """A refused login is a setting; a provider that is away is not."""
    async with open_sms_bench(name, answering_server) as bench:
        answering_server.answer(Answer(401, b""))
        with pytest.raises(ConfigurationError, match=f"GTR_{name.upper()}"):
            await bench.provider.check()
        answering_server.answer(Drop())
        with pytest.raises(TryAgainError, match="connection_lost"):
            await bench.provider.check()


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (lambda: TwilioAccount("SK1", [TwilioLogin("a", "b")], SENDER), "ACCOUNT_SID"),
        (lambda: TwilioAccount(ACCOUNT, [], SENDER), "AUTH_TOKEN"),
        (lambda: TwilioAccount(ACCOUNT, [TwilioLogin("a", " ")], SENDER), "AUTH_TOKEN"),
        (lambda: TwilioAccount(ACCOUNT, [TwilioLogin("a", "b")]), "FROM"),
        (
            lambda: TwilioAccount(ACCOUNT, [TwilioLogin("a", "b")], SENDER, f"MG{'0' * 32}"),
            "FROM",
        ),
        (
            lambda: TwilioAccount(ACCOUNT, [TwilioLogin("a", "b")], None, "MG1"),
            "MESSAGING_SERVICE",
        ),
        (lambda: PlivoAccount("../x", "token", SENDER), "PLIVO_AUTH_ID"),
        (lambda: PlivoAccount("MA1", "", SENDER), "PLIVO_AUTH_TOKEN"),
        (lambda: PlivoAccount("MA1", "token", ""), "PLIVO_FROM"),
    ],
)
def test_an_account_that_cannot_be_one_is_named(make: Callable[[], object], setting: str) -> None:
    """Before anything is sent; and no secret is in what it shows of itself."""
    with pytest.raises(ConfigurationError, match=setting):
        make()
    assert "b'" not in repr(TwilioLogin("a", "b"))
    assert "secret-1" not in repr(PlivoAccount("MA1", "secret-1", SENDER))


@pytest.mark.parametrize(("by", "is_ours"), [(SERVICE, True), (f"MG{'1' * 32}", False)])
async def test_a_messaging_services_message_is_known_by_its_service(by: str, is_ours: bool) -> None:
    """Its sender is chosen later, and may be any: the service is what is compared."""
    async with ProviderStandIns() as standins:
        twilio = standins.twilio
        login = TwilioLogin(twilio.account, twilio.auth_token)
        options = HttpOptions(ca_file=standins.ca_file)
        providers = [
            TwilioProvider(
                TwilioAccount(twilio.account, [login], messaging_service=service),
                twilio.url,
                options,
                now=lambda: NOW,
            )
            for service in (by, SERVICE)
        ]
        message, since = make_sms(), datetime.now(UTC)
        sent = await providers[0].send(message)
        assert isinstance(sent, Accepted)
        assert (sent.segments, twilio.messages[sent.provider_id].status) == (None, "accepted")
        found = await providers[1].find(message, since)
        assert isinstance(found, Found if is_ours else Absent)
        for provider in providers:
            await provider.close()
