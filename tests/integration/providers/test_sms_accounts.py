"""Who sends text messages: logins that change, that are refused, and that cannot be any."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from support.answering_server import AnsweringServer
from support.answers import Answer, Drop, SeenRequest
from support.conformance_sms import SID, SmsProviderName, twilio_error, twilio_message
from support.sms_benches import ACCOUNT, SENDER, make_sms, open_sms_bench

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.providers.plivo import PlivoAccount
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

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
