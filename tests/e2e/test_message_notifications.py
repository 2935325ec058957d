"""A chat message and the app's list of notifications: none, unless a setting says so."""

from __future__ import annotations

from support.people import send_message
from support.way import Way

from gtr_jobs.dev.standins.screen import show


async def _write(way: Way) -> None:
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns")
    conversation = await way.add_conversation(mia, leo)
    await send_message(
        way.connection, conversation, mia.user_id, leo.user_id, '__listing_ref__:{"id": "1"} This?'
    )


async def test_a_message_writes_no_notification(way: Way) -> None:
    """As the app has it."""
    await way.start_worker()
    await _write(way)
    accepted = await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()
    assert {show(entry).badge for entry in accepted} == {1}
    assert await way.fetch("select type from public.notifications") == []


async def test_a_message_writes_a_notification_where_the_setting_says_so(way: Way) -> None:
    """In the push's words, once, without a push of its own and without counting twice in the badge."""
    await way.start_worker(GTR_MESSAGE_NOTIFICATIONS="true")
    await _write(way)
    accepted = await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()
    assert [(show(entry).title, show(entry).body, show(entry).badge) for entry in accepted] == [
        ("Mia Rossi", "This?", 1)
    ] * 2
    assert await way.fetch(
        "select n.user_id = m.recipient_id, n.type, n.title, n.body, n.data ->> 'message_id' = m.id::text"
        " from public.notifications as n, public.messages as m"
    ) == [(True, "message", "Mia Rossi", "This?", True)]
    assert len(way.providers.ledger.entries()) == 2


async def test_who_has_no_device_has_the_notification_all_the_same(way: Way) -> None:
    """The list is in the app, wherever it is opened."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker(GTR_MESSAGE_NOTIFICATIONS="true")
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    await way.wait_until_settled()
    assert await way.fetch("select type, body from public.notifications") == [("message", "Hello")]


async def test_a_job_that_runs_again_writes_nothing_again(way: Way) -> None:
    """The row's id is made of the message's."""
    await way.start_worker(GTR_MESSAGE_NOTIFICATIONS="true")
    await _write(way)
    await way.wait_until_settled()
    await way.fetch(
        "select gtr_jobs.enqueue(array(select gtr_jobs.job('message', jsonb_build_object('id', m.id), m.id::text)"
        " from public.messages as m))"
    )
    await way.wait_until_settled()
    assert await way.fetch("select count(*) from public.notifications") == [(1,)]
