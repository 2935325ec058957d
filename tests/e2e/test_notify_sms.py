"""Server code texts people, and Twilio takes each text once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from support.operator import operate
from support.texting import (
    EVENT,
    PHONE,
    create_texter,
    email_settings,
    notify_email,
    notify_sms,
    sms_settings,
)
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect, Stall
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Fail

pytestmark = pytest.mark.timeout(60)

BODY = "Daikoku meet begins at 19:30, Daikoku PA. https://marketplace.example/events/5b0c"


async def test_a_text_is_sent_once_a_key(way: Way) -> None:
    """A call that is repeated under its key is one text; nothing of it is left in the database then."""
    mia = await create_texter(way.connection)
    await way.start_worker(**sms_settings(way))
    answers = [await notify_sms(way.connection, mia, key="k-1") for _ in range(2)]
    await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()

    (entry,) = way.providers.ledger.entries()
    assert (entry.token, entry.payload["Body"]) == (PHONE, BODY)
    assert answers[0] == answers[1]
    assert await way.deliveries() == [("twilio", "sent", "accepted", "", 1, False)]
    assert await way.fetch(
        "select data, provider_id = %s from gtr_jobs.outgoing", entry.message_id
    ) == [(None, True)]


async def test_a_lost_answer_is_found_at_twilio(way: Way) -> None:
    """It took the text and did not say so: nothing is sent again."""
    mia = await create_texter(way.connection)
    way.providers.twilio.script.add(AfterAccepting(Disconnect()))
    await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [("twilio", "sent", "accepted", "", 1, False)]


async def test_answers_that_do_not_come_hold_up_nobody_else(way: Way) -> None:
    """Texts that were written one by one wait for Twilio one by one, and the next one is sent all the same."""
    await way.start_worker(**sms_settings(way) | {"GTR_MESSAGE_CALL_SECONDS": "30"})
    for count in range(4):
        number = f"+1415555020{count}"
        silent = way.providers.twilio.script.for_token(number)
        silent.add(Stall())
        await notify_sms(
            way.connection, await create_texter(way.connection, f"silent{count}", number)
        )
        await silent.wait_until_used_up()
    await notify_sms(way.connection, await create_texter(way.connection))
    (entry,) = await way.providers.ledger.wait_for(1)
    assert entry.token == PHONE


async def test_what_twilio_does_not_have_is_sent_again_once(way: Way) -> None:
    """Three times it has not: then it is sent again, marked and counted."""
    mia = await create_texter(way.connection)
    way.providers.twilio.script.add(Disconnect())
    worker = await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [("twilio", "sent", "accepted", "", 2, True)]
    (cleared,) = worker.records_of("message.cleared_up")
    assert cleared["fate"] == "absent"


async def test_what_nobody_can_tell_stays_unknown(way: Way) -> None:
    """Twilio does not list: the delivery is unknown, and its job is among the dead."""
    mia = await create_texter(way.connection)
    way.providers.twilio.script.add(AfterAccepting(Disconnect()))
    way.providers.twilio.script.for_token("list").add(Fail(500, "20500"), times=FOR_EVER)
    await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [
        ("twilio", "unknown", "ambiguous", "outcome_unknown", 1, False)
    ]
    assert await way.fetch("select code, kind, args ?& array['id'] from gtr_jobs.dead_jobs") == [
        ("outcome_unknown", "send_sms", True)
    ]
    count = "select messages from gtr_jobs.count_unsettled_messages() where channel = 'sms'"
    assert await way.fetch(count) == [(1,)]
    ((job_id,),) = await way.fetch("select job_id from gtr_jobs.dead_jobs")
    discard = ("dead", "discard", str(job_id), "--yes", "--reason", "seen")
    ended = await asyncio.to_thread(operate, way.database, *discard)
    assert ended.code == 0, ended.err
    assert await way.fetch(count) == [(0,)]
    assert await way.fetch("select count(data) from gtr_jobs.outgoing") == [(0,)]


async def test_who_said_stop_is_remembered(way: Way) -> None:
    """Twilio refuses with 21610: the text has failed, and the next one is refused when it is asked for."""
    mia = await create_texter(way.connection)
    way.providers.twilio.refusals[PHONE] = 21610
    await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia, data=EVENT)
    await way.wait_until_settled()
    assert await way.deliveries() == [("twilio", "failed", "dead_target", "21610", 1, False)]
    assert await way.fetch("select channel, reason, source from gtr_jobs.suppressions") == [
        ("sms", "unsubscribed", "twilio")
    ]


async def test_a_restored_database_texts_nobody_by_itself(way: Way) -> None:
    """What waits in an older copy may have been sent: it waits for a word of an operator."""
    mia = await create_texter(way.connection)
    settings = sms_settings(way) | email_settings(way) | {"GTR_QUEUES": "sms,email"}
    worker = await way.start_worker(**settings)
    await way.fetch("update gtr_jobs.lineage set paused_since = now(), reasons = '{ledger}'")
    await worker.wait_for_event("database.sending_paused", 20)
    await notify_sms(way.connection, mia)
    await notify_email(way.connection, mia)
    await asyncio.sleep(1.5)
    assert way.providers.ledger.total == 0
    assert await way.deliveries() == []
    resumed = await asyncio.to_thread(
        operate, way.database, "resume", "--acknowledge", "--reason", "looked"
    )
    assert resumed.code == 0, resumed.err
    await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()


async def test_budgets_stop_what_is_over_them(way: Way) -> None:
    """The second text waits, counted for whoever is alerted; nothing of it is in the ledger."""
    people = [await create_texter(way.connection, f"p{n}", f"+1415555010{n}") for n in range(2)]
    worker = await way.start_worker(
        **sms_settings(way) | {"GTR_SMS_BUDGET": "0.15", "GTR_SMS_COUNTRY_BUDGETS": "US=5"}
    )
    await notify_sms(way.connection, people[0])
    await way.wait_until_settled()
    await notify_sms(way.connection, people[1])
    reached = await worker.wait_for_event("message.budget_reached")
    assert (reached["channel"], reached["scope"]) == ("sms", "day")
    assert way.providers.ledger.total == 1
    assert len(await way.deliveries()) == 1


async def test_what_is_too_old_or_not_wanted_any_more_is_not_sent(way: Way) -> None:
    """It was asked for in time; by the time of sending it has expired, or a STOP has come, or the country is not on the list."""
    people = [
        await create_texter(way.connection, f"p{n}", phone)
        for n, phone in enumerate(("+14155550100", "+14155550101", "+4915112345678"))
    ]
    for person in people:
        await notify_sms(way.connection, person)
    await way.fetch("update gtr_jobs.outgoing set expires_at = now() where user_id = %s", people[0])
    await way.fetch(
        "select gtr_jobs.suppress_address('sms', '+14155550101', 'unsubscribed', 'twilio')"
    )
    await way.start_worker(**sms_settings(way))
    await way.wait_until_settled()
    assert way.providers.ledger.total == 0
    assert sorted((state, code) for _, state, _, code, *_ in await way.deliveries()) == [
        ("expired", ""),
        ("skipped", "destination_not_allowed"),
        ("skipped", "unsubscribed"),
    ]
    assert await way.fetch("select count(data) from gtr_jobs.outgoing") == [(0,)]


async def test_prices_are_asked_for_when_twilio_knows_them(way: Way) -> None:
    """It tells none by itself; with the price comes what became of the text."""
    mia = await create_texter(way.connection)
    await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    (entry,) = await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()
    spend = "select messages, price, expected, currency from gtr_jobs.spend"
    assert await way.fetch(spend) == [(1, Decimal(0), Decimal("0.10000"), "")]

    way.providers.twilio.move(entry.message_id, "delivered")
    await way.fetch("update gtr_jobs.outgoing set ask_at = now() where ask_at is not null")
    await way.fetch(
        "select gtr_jobs.enqueue(array[gtr_jobs.job('sms_records',"
        " jsonb_build_object('cron', 'sms_records', 'tick', now()), 'tick')])"
    )
    await way.wait_until_settled()
    assert await way.fetch(spend) == [(1, Decimal("0.00790"), Decimal(0), "USD")]
    assert await way.deliveries() == [("twilio", "delivered", "accepted", "", 1, False)]
    assert await way.fetch("select ask_at from gtr_jobs.outgoing") == [(None,)]


async def test_another_text_that_says_the_same_is_not_taken_for_a_lost_one(way: Way) -> None:
    """Twilio lists the first; the second it never had, and it is sent again."""
    mia = await create_texter(way.connection)
    await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    way.providers.twilio.script.add(Disconnect())
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    assert len(way.providers.ledger.entries()) == 2
    assert await way.deliveries() == [
        ("twilio", "sent", "accepted", "", 1, False),
        ("twilio", "sent", "accepted", "", 2, True),
    ]
