"""`gtr-jobs sms`, `email`, `suppress` and `spend`: what operators see and do, and what the audit says of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows
from support.operator import operate
from support.texting import PHONE

from gtr_jobs.dev.standins import ProviderStandIns

pytestmark = pytest.mark.timeout(60)

AUDIT = "select action, reason, wanted, detail - 'address' from gtr_jobs.audit order by id"


@pytest.fixture
async def providers() -> AsyncIterator[ProviderStandIns]:
    """Stand-ins for Twilio and a mail server."""
    async with ProviderStandIns() as running:
        yield running


async def test_a_number_is_suppressed_and_let_go_again(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """However it is written; neither the list nor the audit nor what is printed has it."""
    written = "+1 (415) 555-0100"
    added = operate(database, "suppress", "add", "sms", written, "--reason", "asked by phone")
    again = operate(database, "suppress", "add", "sms", PHONE, "--reason", "asked again")
    listed = operate(database, "suppress", "list", "sms", PHONE, "--json")
    other = operate(database, "suppress", "list", "sms", "+14155550101")
    removed = operate(database, "suppress", "remove", "sms", PHONE, "--reason", "wants texts")
    nothing = operate(database, "suppress", "list")

    assert added.out.endswith("nothing more is sent there.\n"), added.err
    assert again.out.endswith("it was suppressed before.\n")
    (one,) = json.loads(listed.out)
    assert (one["channel"], one["reason"], one["source"]) == ("sms", "operator", "operator")
    assert other.out == "not suppressed\n"
    assert removed.out.endswith("1 reasons ended.\n")
    assert nothing.out == "nobody is suppressed\n"
    assert await fetch_rows(admin, AUDIT) == [
        ("suppress", "asked by phone", {"channel": "sms"}, {"channel": "sms", "is_new": True}),
        ("suppress", "asked again", {"channel": "sms"}, {"channel": "sms", "is_new": False}),
        (
            "unsuppress",
            "wants texts",
            {"channel": "sms", "only": None},
            {"channel": "sms", "ended": 1},
        ),
    ]
    said = "".join(ended.out + ended.err for ended in (added, again, listed, other, removed))
    assert "5550100" not in said
    assert "555-0100" not in said


async def test_what_is_no_number_is_refused_without_showing_it(database: ProjectDatabase) -> None:
    """Wrong usage: exit 2, and what to write."""
    ended = operate(database, "suppress", "add", "sms", "555-0100", "--reason", "x")
    assert (ended.code, ended.out) == (2, "")
    assert "not a phone number in international form" in ended.err
    assert "0100" not in ended.err.replace("+14155550123", "")


async def test_a_test_of_each_channel_is_sent_and_audited(
    admin: AsyncConnection, database: ProjectDatabase, providers: ProviderStandIns
) -> None:
    """One text and one e-mail, of which the audit knows before they are sent."""
    settings = {**providers.message_settings(), "GTR_PROJECT": "gtr"}
    sms = await asyncio.to_thread(operate, database, "sms", "test", PHONE, **settings)
    email = await asyncio.to_thread(
        operate, database, "email", "test", "mia@example.test", "--json", **settings
    )
    text, mail = providers.ledger.entries()
    assert (sms.code, sms.out) == (
        0,
        f"twilio: accepted as {text.message_id}; whether it arrives is told later\n",
    ), sms.err
    assert (text.token, text.payload["Body"]) == (PHONE, "Test of gtr: SMS arrive at this number.")
    assert (email.code, json.loads(email.out)["outcome"]) == (0, "accepted"), email.err
    assert mail.token == "mia@example.test"
    assert await fetch_rows(admin, AUDIT) == [
        ("sms_test", "a test", {"channel": "sms", "provider": "twilio"}, {"refusal": None}),
        ("email_test", "a test", {"channel": "email", "provider": "smtp"}, {"refusal": None}),
    ]


async def test_a_test_is_not_sent_to_whom_nothing_is_sent(
    database: ProjectDatabase, providers: ProviderStandIns
) -> None:
    """Nor where no provider is configured, or to a country that is not on the list."""
    operate(database, "suppress", "add", "sms", PHONE, "--reason", "no")
    settings = providers.message_settings()
    refused = await asyncio.to_thread(operate, database, "sms", "test", PHONE, **settings)
    abroad = await asyncio.to_thread(
        operate, database, "sms", "test", "+4915112345678", **settings | {"GTR_SMS_COUNTRIES": "US"}
    )
    unset = operate(database, "sms", "test", PHONE)
    assert "nothing is sent to this address: operator" in refused.err
    assert (abroad.code, abroad.out) == (1, "twilio: not sent: destination_not_allowed\n")
    assert (unset.code, "GTR_TWILIO_ACCOUNT_SID" in unset.err) == (78, True)
    assert providers.ledger.entries() == []


async def test_spend_is_shown_a_day_and_country(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """The newest day first, with what is expected of messages without a price yet."""
    assert operate(database, "spend").out == "nothing was sent\n"
    await admin.execute(
        "insert into gtr_jobs.spend (day, channel, provider, country, currency, messages, segments, price, expected)"
        " values ('2020-01-01', 'sms', 'twilio', 'US', 'USD', 9, 9, 9, 0),"
        " ((now() at time zone 'utc')::date, 'sms', 'twilio', 'US', 'USD', 3, 4, 0.0237, 0.0079)"
    )
    (row,) = json.loads(operate(database, "spend", "--json").out)
    assert row | {"day": None} == {
        "day": None,
        "channel": "sms",
        "provider": "twilio",
        "country": "US",
        "messages": 3,
        "segments": 4,
        "price": 0.0237,
        "expected": 0.0079,
        "currency": "USD",
    }
