"""A job that gave up is requeued by an operator: what was not sent is sent, and what was is not sent again."""

from __future__ import annotations

import asyncio

from support.command_line import Ended
from support.operator import operate
from support.people import send_message
from support.way import Person, Way

from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import Fail


async def _let_die(way: Way, failure: Fail, times: int) -> Person:
    """Send a message that APNs takes and FCM does not, until its job has given up."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns")
    conversation = await way.add_conversation(mia, leo)
    way.providers.fcm.script.add(failure, times=times)
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    # One attempt is left to it.
    await way.fetch("update procrastinate.procrastinate_jobs set attempts = 7")
    await way.start_worker()
    await way.wait_until_settled()
    return leo


async def _requeue(way: Way) -> Ended:
    return await asyncio.to_thread(
        operate, way.database, "dead", "requeue", "--kind", "message", "--yes", "--reason", "mended"
    )


async def test_a_requeued_message_reaches_who_has_not_got_it_once(way: Way) -> None:
    """FCM failed to the end and gets it now; APNs had it, and hears nothing more."""
    await _let_die(way, Fail(503, "UNAVAILABLE"), times=1)
    assert await way.deliveries() == [
        ("apns", "sent", "accepted", "", 1, False),
        ("fcm", "failed", "retry", "UNAVAILABLE", 1, False),
    ]

    assert (await _requeue(way)).code == 0
    await way.wait_until_settled()

    entries = way.providers.ledger.entries()
    assert sorted((entry.provider, show(entry).body) for entry in entries) == [
        ("apns", "Hello"),
        ("fcm", "Hello"),
    ]
    assert await way.deliveries() == [
        ("apns", "sent", "accepted", "", 1, False),
        ("fcm", "sent", "accepted", "", 2, False),
    ]
    assert await way.fetch("select 1 from gtr_jobs.dead_jobs") == []
    assert await way.fetch("select ended::text, attempts from gtr_jobs.job_history") == [
        ("done", 1)
    ]


async def test_a_refused_message_is_asked_for_again_when_the_cause_was_mended(way: Way) -> None:
    """A message that FCM refused for good is dead at once; requeued, it is sent, and only there."""
    await _let_die(way, Fail(400, "INVALID_ARGUMENT"), times=1)
    assert (await _requeue(way)).code == 0
    await way.wait_until_settled()

    providers = [entry.provider for entry in way.providers.ledger.entries()]
    assert sorted(providers) == ["apns", "fcm"]


async def test_a_second_death_can_be_requeued_as_well(way: Way) -> None:
    """With all its attempts each time; still nobody gets it twice."""
    await _let_die(way, Fail(400, "INVALID_ARGUMENT"), times=2)
    for _ in range(2):
        assert (await _requeue(way)).code == 0
        await way.wait_until_settled()

    providers = [entry.provider for entry in way.providers.ledger.entries()]
    assert sorted(providers) == ["apns", "fcm"]
    assert await way.fetch("select action, job_count from gtr_jobs.audit") == [("requeue", 1)] * 2


async def test_a_message_that_is_too_old_is_not_sent_however_often_it_is_requeued(way: Way) -> None:
    """It keeps its age: a chat message of yesterday ends as expired."""
    await _let_die(way, Fail(503, "UNAVAILABLE"), times=1)
    await way.fetch("update gtr_jobs.dead_jobs set enqueued_at = enqueued_at - interval '25 hours'")
    ended = await _requeue(way)
    assert "too old: 1 outlived" in ended.out
    await way.wait_until_settled()

    assert [entry.provider for entry in way.providers.ledger.entries()] == ["apns"]
    assert ("fcm", "expired") in {(row[0] or "fcm", row[1]) for row in await way.deliveries()}
