"""What one message's end says of its account."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.outcome import Accepted, Held, Misconfigured, Outcome, Retry
from gtr_jobs.providers.one_message import ask_for_one
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.providers.smtp_answers import Phase, is_one_mailboxs


async def send_many(outcome: Outcome, count: int = 50) -> list[Outcome]:
    """Send so many messages of one account that all end alike; give how the last ones ended."""
    pressure = Pressure("twilio", 4)

    async def send(_: int) -> Outcome:
        return outcome

    return [await ask_for_one(pressure, send, number) for number in range(count)]


async def test_a_country_that_is_not_allowed_holds_up_no_other() -> None:
    """However many messages go there."""
    closed = Misconfigured("21408", "allow it", "country")
    assert await send_many(closed) == [closed] * 50


async def test_a_refused_login_is_asked_with_no_further() -> None:
    """The account's circuit opens: a token that is wrong is wrong for all."""
    wrong = Misconfigured("20003", "see the token")
    first, *others = await send_many(wrong)
    assert first == wrong
    assert {type(outcome) for outcome in others} == {Held}


async def test_an_end_that_is_nobodys_own_is_the_accounts() -> None:
    """Given as the account marks it."""
    assert await send_many(Accepted("id"), 3) == [Accepted("id")] * 3


@pytest.mark.parametrize(
    ("phase", "code", "is_own"),
    [
        ("recipient", "4.2.1", True),
        ("recipient", "4.7.1", True),
        ("recipient", "450", True),
        ("recipient", "4.3.1", False),
        ("recipient", "421", False),
        ("recipient", "connection_lost", False),
        ("sent", "4.7.1", True),
        ("sent", "4.3.0", False),
        ("sender", "451", False),
        ("connect", "connect_failed", False),
    ],
)
def test_a_mailbox_that_is_busy_is_not_a_server_in_trouble(
    phase: Phase, code: str, is_own: bool
) -> None:
    """Greylisting and full mailboxes are everyday answers of a server that is well."""
    assert is_one_mailboxs(phase, Retry(code)) is is_own
