"""Server code texts people, and Twilio takes each text once."""

from __future__ import annotations

import pytest
from support.texting import EVENT, PHONE, create_texter, notify_sms, sms_settings
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect
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
