"""Server code writes people e-mails, and the mail server takes each once."""

from __future__ import annotations

import pytest
from support.killing import bury, settle, wait_for_state
from support.people import create_person
from support.texting import email_settings, notify_email
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect, Stall
from gtr_jobs.dev.standins.script import AfterAccepting, Fail

pytestmark = pytest.mark.timeout(60)


async def test_an_email_is_sent_once_a_key(way: Way) -> None:
    """Its Message-ID is made from the delivery's id, and nothing of it is left in the database then."""
    mia = await create_person(way.connection, "mia", "Mia Rossi")
    await way.start_worker(**email_settings(way))
    answers = [await notify_email(way.connection, mia, key="k-1") for _ in range(2)]
    await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()

    (entry,) = way.providers.ledger.entries()
    assert answers[0] == answers[1]
    assert entry.token == "mia@example.test"
    assert answers[0]["delivery_id"] in entry.message_id
    assert await way.deliveries() == [("smtp", "sent", "accepted", "", 1, False)]
    assert await way.fetch("select data from gtr_jobs.outgoing") == [(None,)]


async def test_a_server_that_is_busy_is_asked_again(way: Way) -> None:
    """4xx is tried again, and 5xx is not: its job is among the dead."""
    mia = await create_person(way.connection, "mia", "Mia Rossi")
    way.providers.smtp.script.add(Fail(451, "4.3.0"), Fail(554, "5.6.0"))
    await way.start_worker(**email_settings(way))
    await notify_email(way.connection, mia)
    await wait_for_state(way, "queued")
    await way.skip_waits()
    await way.wait_until_settled()
    ((provider, state, outcome, _, attempts, is_resent),) = await way.deliveries()
    assert (provider, state, outcome, attempts, is_resent) == (
        "smtp",
        "failed",
        "rejected",
        2,
        False,
    )
    assert await way.fetch("select kind from gtr_jobs.dead_jobs") == [("send_email",)]


async def test_an_answer_that_is_lost_after_the_content_is_not_sent_again(way: Way) -> None:
    """No server can be asked whether it has an e-mail: it stays unknown, for an operator to see."""
    mia = await create_person(way.connection, "mia", "Mia Rossi")
    way.providers.smtp.script.add(AfterAccepting(Disconnect()))
    await way.start_worker(**email_settings(way))
    await notify_email(way.connection, mia)
    await way.wait_until_settled()
    ((provider, state, outcome, *_),) = await way.deliveries()
    assert (provider, state, outcome) == ("smtp", "unknown", "ambiguous")
    assert await way.fetch("select code from gtr_jobs.dead_jobs") == [("outcome_unknown",)]
    assert len(way.providers.ledger.entries()) == 1


async def test_a_worker_killed_in_the_middle_leaves_it_unknown(way: Way) -> None:
    """Whether the server took it or not: nothing is sent again by itself."""
    mia = await create_person(way.connection, "mia", "Mia Rossi")
    way.providers.smtp.script.add(Stall())
    worker = await way.start_worker(**email_settings(way))
    await notify_email(way.connection, mia)
    await way.providers.smtp.script.wait_until_used_up()
    await worker.kill()
    await way.fetch("update gtr_jobs.outgoing set deadline = now()")
    await bury(way)
    await way.start_worker(**email_settings(way))
    await settle(way)
    assert len(way.providers.ledger.entries()) == 0
    ((_, state, _, code, attempts, is_resent),) = await way.deliveries()
    assert (state, code, attempts, is_resent) == ("unknown", "outcome_unknown", 1, False)
