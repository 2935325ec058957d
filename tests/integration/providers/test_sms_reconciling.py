"""What a provider's own records say of a message of which nobody knows whether it was taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from support.answering_server import AnsweringServer
from support.answers import Answer
from support.conformance_sms import MALFORMED, SID, SmsProviderName, twilio_error, twilio_message
from support.sms_benches import BODY, NOW, SENDER, TO, make_sms, open_sms_bench

from gtr_jobs.dev.standins import AfterAccepting, Disconnect, ProviderStandIns, Stall
from gtr_jobs.dev.standins.plivo import PlivoStandIn
from gtr_jobs.dev.standins.twilio import LISTING, TwilioStandIn
from gtr_jobs.domain.cost import Cost
from gtr_jobs.domain.outcome import Accepted, Ambiguous, Misconfigured, Throttled
from gtr_jobs.domain.sms import Absent, CannotTell, Found, SmsMessage, SmsRecord
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.message_base import SmsProvider
from gtr_jobs.providers.plivo import PlivoAccount, PlivoProvider
from gtr_jobs.providers.twilio import TwilioProvider
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

PROVIDERS: tuple[SmsProviderName, ...] = ("twilio", "plivo")


@asynccontextmanager
async def open_standins(
    name: SmsProviderName, **options: Any
) -> AsyncIterator[tuple[ProviderStandIns, SmsProvider]]:
    """Run the stand-ins and make a provider that sends to one of them."""
    async with ProviderStandIns() as standins:
        http = HttpOptions(ca_file=standins.ca_file, **options)
        provider: SmsProvider
        if name == "twilio":
            twilio = standins.twilio
            login = TwilioLogin(twilio.account, twilio.auth_token)
            account = TwilioAccount(twilio.account, [login], sender=SENDER)
            provider = TwilioProvider(account, twilio.url, http)
        else:
            plivo = PlivoAccount(standins.plivo.account, standins.plivo.auth_token, SENDER)
            provider = PlivoProvider(plivo, standins.plivo.url, http)
        try:
            yield standins, provider
        finally:
            await provider.close()


def make_message(body: str = BODY) -> SmsMessage:
    """Make a message that is of use for five minutes from now."""
    return SmsMessage(uuid4(), TO, body, datetime.now(UTC) + timedelta(minutes=5))


def standin_of(standins: ProviderStandIns, name: SmsProviderName) -> TwilioStandIn | PlivoStandIn:
    """Give the stand-in for a provider."""
    return standins.twilio if name == "twilio" else standins.plivo


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", [Disconnect(), Stall()], ids=repr)
async def test_a_message_that_was_taken_unseen_is_found(
    name: SmsProviderName, fault: Disconnect | Stall
) -> None:
    """The provider took it and its answer was lost: its records have it."""
    async with open_standins(name, deadline=1.0, connect_timeout=0.9) as (standins, provider):
        standin_of(standins, name).script.add(AfterAccepting(fault))
        message, since = make_message(), datetime.now(UTC)
        assert (await provider.send(message)).name == "ambiguous"
        found = await provider.find(message, since)
        (taken,) = standins.ledger.entries()
        assert found == Found(
            SmsRecord(taken.message_id, "queued", "queued", segments=1, cost=None)
        )


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_message_that_was_not_taken_is_absent(name: SmsProviderName) -> None:
    """The connection broke before the provider acted: its records do not have it."""
    async with open_standins(name) as (standins, provider):
        standin_of(standins, name).script.add(Disconnect())
        message, since = make_message(), datetime.now(UTC)
        assert await provider.send(message) == Ambiguous("connection_lost")
        assert await provider.find(message, since) == Absent()
        assert standins.ledger.total == 0


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_belongs_to_another_delivery_is_not_taken_for_this_one(
    name: SmsProviderName,
) -> None:
    """The same words to the same number, for another reason a moment before."""
    async with open_standins(name) as (_, provider):
        since = datetime.now(UTC)
        other = await provider.send(make_message())
        assert isinstance(other, Accepted)
        message = make_message()
        assert isinstance(await provider.find(message, since), Found)
        assert await provider.find(message, since, {other.provider_id}) == Absent()


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_is_older_than_the_attempt_is_not_found(name: SmsProviderName) -> None:
    """Clocks may differ by five seconds, and no more."""
    async with open_standins(name) as (_, provider):
        message = make_message()
        await provider.send(message)
        now = datetime.now(UTC)
        assert isinstance(await provider.find(message, now + timedelta(seconds=3)), Found)
        assert await provider.find(message, now + timedelta(seconds=7)) == Absent()


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_record_tells_state_and_price(name: SmsProviderName) -> None:
    """As the provider knows them when it is asked; what it never had is absent."""
    async with open_standins(name) as (standins, provider):
        sent = await provider.send(make_message("x" * 200))
        assert isinstance(sent, Accepted)
        standin_of(standins, name).move(sent.provider_id, "delivered")
        price = Decimal("0.0158") if name == "twilio" else Decimal("0.01")
        assert await provider.read(sent.provider_id) == Found(
            SmsRecord(sent.provider_id, "delivered", "delivered", "", 2, Cost(price, "USD"))
        )
        absent = f"SM{'f' * 32}" if name == "twilio" else str(uuid4())
        assert await provider.read(absent) == Absent()
        assert await provider.read("../Accounts") == Absent()


async def test_other_words_to_the_same_number_are_not_ours() -> None:
    """Twilio keeps the text: only ours is ours."""
    async with open_standins("twilio") as (_, provider):
        since = datetime.now(UTC)
        await provider.send(make_message("Something else"))
        assert await provider.find(make_message(), since) == Absent()


async def test_a_redacted_message_is_found_by_number_and_time() -> None:
    """Where the text was deleted there is nothing to compare."""
    async with open_standins("twilio") as (standins, provider):
        since, message = datetime.now(UTC), make_message()
        sent = await provider.send(message)
        assert isinstance(sent, Accepted)
        standins.twilio.messages[sent.provider_id].is_redacted = True
        assert isinstance(await provider.find(message, since), Found)


async def test_a_message_is_found_behind_many_others() -> None:
    """Page by page, and no further than a bound."""
    async with open_standins("twilio") as (standins, provider):
        since, message = datetime.now(UTC), make_message()
        sent = await provider.send(message)
        assert isinstance(sent, Accepted)
        original = standins.twilio.messages[sent.provider_id]
        for number in range(2000):
            if number == 250:
                found = await provider.find(message, since)
                assert isinstance(found, Found)
                assert found.record.provider_id == sent.provider_id
            later = replace(original, sid=f"SM{number:032x}", form={**original.form, "Body": "No"})
            standins.twilio.messages[later.sid] = later
            standins.twilio._listed_at[later.sid] = 0.0
        assert await provider.find(message, since) == CannotTell(Ambiguous("list_too_long"))


async def test_a_list_that_lags_is_asked_again_later() -> None:
    """Twilio may list a message later than it took it."""
    async with open_standins("twilio") as (standins, provider):
        standins.twilio.list_lag = 60.0
        since, message = datetime.now(UTC), make_message()
        sent = await provider.send(message)
        assert isinstance(sent, Accepted)
        assert await provider.find(message, since) == Absent()
        standins.twilio._listed_at[sent.provider_id] = 0.0
        assert isinstance(await provider.find(message, since), Found)


async def test_a_list_that_fails_tells_nothing() -> None:
    """A fault of the list is no proof that the message is absent."""
    async with open_standins("twilio") as (standins, provider):
        standins.twilio.script.for_token(LISTING).add(Disconnect(), times=2)
        finding = await provider.find(make_message(), datetime.now(UTC))
        assert finding == CannotTell(Ambiguous("connection_lost"))


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("malformed", MALFORMED, ids=lambda each: each[0])
async def test_records_that_cannot_be_read_tell_nothing(
    answering_server: AnsweringServer,
    name: SmsProviderName,
    malformed: tuple[str, bytes, dict[str, str]],
) -> None:
    """Neither that a message is there nor that it is not."""
    _, body, headers = malformed
    answering_server.answer(Answer(200, body, headers))
    async with open_sms_bench(name, answering_server) as bench:
        unreadable = CannotTell(Ambiguous("answer_unreadable"))
        provider_id = SID if name == "twilio" else str(uuid4())
        assert await bench.provider.find(make_sms(), NOW) == unreadable
        assert await bench.provider.read(provider_id) == unreadable


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (twilio_error(429, 20429, {"retry-after": "9"}), Throttled("20429", 9.0)),
        (twilio_error(503, 20503), Ambiguous("20503")),
        (
            twilio_error(401, 20003),
            Misconfigured(
                "20003", "see GTR_TWILIO_ACCOUNT_SID, GTR_TWILIO_AUTH_TOKEN and GTR_TWILIO_API_KEY"
            ),
        ),
    ],
)
async def test_why_nothing_can_be_told_is_told(
    answering_server: AnsweringServer, answer: Answer, cause: Any
) -> None:
    """So that whoever asks knows when to ask again."""
    answering_server.answer(answer)
    async with open_sms_bench("twilio", answering_server) as bench:
        assert await bench.provider.find(make_sms(), NOW) == CannotTell(cause)
        assert await bench.provider.read(SID) == CannotTell(cause)


async def test_no_other_server_is_asked_for_the_next_page(
    answering_server: AnsweringServer,
) -> None:
    """Whatever an answer says of where its next page is: our login goes to Twilio alone."""
    page = {"messages": [twilio_message(body="No")], "meta": {"key": "messages"}}
    page["meta"] = {"key": "messages", "next_page_url": "https://elsewhere.example/"}
    answering_server.answer(Answer(200, page))
    async with open_sms_bench("twilio", answering_server) as bench:
        finding = await bench.provider.find(make_sms(), NOW)
        assert isinstance(finding, CannotTell)
        assert len(answering_server.requests) == 1


@pytest.mark.parametrize(
    ("differs", "is_ours"),
    [
        ({}, True),
        ({"body": f"Sent from your Twilio trial account - {BODY}"}, True),
        ({"body": ""}, True),
        ({"body": "Your code is 654321"}, False),
        ({"from": "+15005550001"}, False),
        ({"to": "+14155550124"}, False),
        ({"direction": "inbound"}, False),
        ({"date_created": "Sun, 01 Mar 2026 11:59:54 +0000"}, False),
        ({"date_created": "Sun, 01 Mar 2026 11:59:55 +0000"}, True),
        ({"date_created": None}, True),
        ({"sid": "nonsense"}, False),
        ({"status": "teleported"}, True),
    ],
    ids=repr,
)
async def test_only_what_can_be_ours_is_taken_for_ours(
    answering_server: AnsweringServer, differs: dict[str, Any], is_ours: bool
) -> None:
    """Number, sender, direction, time and text are compared."""
    answering_server.answer(Answer(200, {"messages": [twilio_message(**differs)]}))
    async with open_sms_bench("twilio", answering_server) as bench:
        finding = await bench.provider.find(make_sms(), NOW)
        assert isinstance(finding, Found if is_ours else Absent)


async def test_signs_that_smart_encoding_changed_do_not_hide_a_message(
    answering_server: AnsweringServer,
) -> None:
    """Twilio may put a plain quote in the place of a typographic one."""
    answering_server.answer(Answer(200, {"messages": [twilio_message(body="It's here - ok")]}))
    async with open_sms_bench("twilio", answering_server) as bench:
        message = make_sms(body="It\u2019s here \u2013 ok")
        assert isinstance(await bench.provider.find(message, NOW), Found)


@pytest.mark.parametrize(
    ("raw", "status", "kept"),
    [
        ("partially_delivered", "sent", "partially_delivered"),
        ("teleported", "other", "teleported"),
        ("words of +14155550123", "other", ""),
        (7, "other", ""),
    ],
)
async def test_a_status_that_is_not_known_is_kept_where_it_is_a_word(
    answering_server: AnsweringServer, raw: Any, status: str, kept: str
) -> None:
    """Nothing else gets into the ledger."""
    answering_server.answer(Answer(200, twilio_message(status=raw)))
    async with open_sms_bench("twilio", answering_server) as bench:
        found = await bench.provider.read(SID)
        assert isinstance(found, Found)
        assert (found.record.status, found.record.raw_status) == (status, kept)
