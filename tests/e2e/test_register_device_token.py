"""A device follows the account that is signed in on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from support.api import as_user
from support.people import send_message
from support.way import Person, Way

from gtr_jobs.dev.standins.screen import show


async def _register(way: Way, person: Person, token: str) -> None:
    async with as_user(way.connection, person.user_id):
        await way.connection.execute("select public.register_device_token(%s, 'ios')", [token])


async def _upsert(way: Way, person: Person, token: str) -> None:
    async with as_user(way.connection, person.user_id):
        await way.connection.execute(
            "insert into public.user_device_tokens (user_id, device_token, platform)"
            " values (%s, %s, 'ios') on conflict (user_id, device_token)"
            " do update set platform = excluded.platform",
            [person.user_id, token],
        )


@pytest.mark.parametrize("register", [_register, _upsert])
async def test_what_waits_for_one_account_does_not_reach_a_phone_that_is_anothers_by_then(
    way: Way, register: Callable[[Way, Person, str], Awaitable[None]]
) -> None:
    """Queued for Leo, the phone switched to Ana, then sent: Ana's phone shows her message only."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    ana = await way.add_person("ana", "Ana Lima")
    token = way.providers.phones.add_new("apns")
    with_leo = await way.add_conversation(mia, leo)
    with_ana = await way.add_conversation(mia, ana)

    await register(way, leo, token)
    await send_message(way.connection, with_leo, mia.user_id, leo.user_id, "For Leo's eyes only")
    await register(way, ana, token)
    await send_message(way.connection, with_ana, mia.user_id, ana.user_id, "For Ana")
    await way.start_worker()
    await way.wait_until_settled()

    assert [show(entry).body for entry in way.providers.ledger.entries()] == ["For Ana"]
    assert await way.deliveries() == [
        ("apns", "sent", "accepted", "", 1, False),
        (None, "skipped", "skipped", "no_device", 1, False),
    ]


async def test_a_phone_that_signed_out_shows_nothing_any_more(way: Way) -> None:
    """Queued before, sent after: nobody is asked."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    token = way.providers.phones.add_new("fcm")
    conversation = await way.add_conversation(mia, leo)

    await _register(way, leo, token)
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    async with as_user(way.connection, leo.user_id):
        await way.connection.execute("select public.unregister_device_token(%s)", [token])
    await way.start_worker()
    await way.wait_until_settled()

    assert way.providers.ledger.entries() == []
    assert await way.deliveries() == [(None, "skipped", "skipped", "no_device", 1, False)]


async def test_people_see_what_became_of_their_messages(way: Way) -> None:
    """Leo sees that his was sent; Mia, who wrote it, sees nothing."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    conversation = await way.add_conversation(mia, leo)
    await _register(way, leo, way.providers.phones.add_new("expo"))
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    await way.start_worker()
    await way.wait_until_settled()

    seen = {}
    for person in (mia, leo):
        async with as_user(way.connection, person.user_id):
            cursor = await way.connection.execute(
                "select kind, channel, state from public.my_deliveries()"
            )
            seen[person.user_id] = await cursor.fetchall()
    assert seen == {mia.user_id: [], leo.user_id: [("message", "push", "sent")]}
