"""The app's real client, the API, the database, a worker and the providers: who does something, and whose phone shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.lite import run_lite
from support.supabase_js import App, Client, Member, run_app
from support.way import Way

from gtr_jobs.dev.standins.screen import show

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
INSTALLATION = "7c4f0c1e-8a55-4d0f-9d0f-3a3f7f8b2a10"


@pytest.fixture
async def app(way: Way, tmp_path: Path) -> AsyncIterator[App]:
    """The app's clients, over the database that a worker drains."""
    with run_lite(way.database, tmp_path) as lite:
        async with run_app(lite) as app:
            yield app


async def _pushes(way: Way, count: int) -> list[tuple[str, str, str]]:
    """Wait until there were so many pushes and nothing is left to do; give token, title and text of each."""
    await way.providers.ledger.wait_for(count)
    await way.wait_until_settled()
    entries = way.providers.ledger.entries()
    return [(entry.token, show(entry).title, show(entry).body) for entry in entries]


async def test_two_people_sign_up_and_hear_of_each_other(app: App, way: Way) -> None:
    """They chat, offer, look for, favourite, answer, like, comment and reply: each push is on the right phone."""
    mias_phone = way.providers.phones.add_new("apns")
    leos_phone = way.providers.phones.add_new("fcm")
    await way.start_worker()
    mia = await app.sign_up("mia", "Mia Rossi")
    leo = await app.sign_up("leo", "Leo Tanaka")
    await mia.register(
        mias_phone,
        p_installation_id=INSTALLATION,
        p_locale="pt-BR",
        p_time_zone="Europe/Lisbon",
        p_app_version="2.4.1",
    )
    assert (await leo.upsert_device(leos_phone)).status == 201
    expected: list[tuple[str, str, str]] = []

    async def on_mias(title: str, text: str) -> None:
        expected.append((mias_phone, title, text))
        assert await _pushes(way, len(expected)) == expected

    async def on_leos(title: str, text: str) -> None:
        expected.append((leos_phone, title, text))
        assert await _pushes(way, len(expected)) == expected

    conversation = await leo.begin_conversation(mia)
    await leo.send(conversation, mia, "Is the R34 still for sale?")
    await on_mias("Leo Tanaka", "Is the R34 still for sale?")
    await mia.send(conversation, leo, "Not yet :)")
    await on_leos("Mia Rossi", "Not yet :)")

    await leo.write("saved_searches", user_id=leo.user_id, search_name="A dream", model="R34")
    listing = await mia.write("listings", user_id=mia.user_id, title="R34 V-Spec", model="R34")
    await on_leos('New listing for "A dream"', "R34 V-Spec")
    await leo.write("listing_favorites", listing_id=listing, user_id=leo.user_id)
    await on_mias("Your listing was favorited", 'Leo Tanaka likes "R34 V-Spec"')

    event = await mia.write(
        "events", created_by=mia.user_id, title="Daikoku", start_date="2030-05-01T18:00:00Z"
    )
    await leo.write("event_favorites", event_id=event, user_id=leo.user_id)
    await on_mias("Your event was favorited", 'Leo Tanaka likes "Daikoku"')
    await leo.write("event_rsvps", event_id=event, user_id=leo.user_id)
    await on_mias("New RSVP", 'Leo Tanaka answered "going" to "Daikoku"')

    post = await mia.write("forum_posts", user_id=mia.user_id, title="Oil", content="Which one?")
    await leo.write("post_likes", post_id=post, user_id=leo.user_id)
    await on_mias("New like", 'Leo Tanaka likes "Oil"')
    comment = await leo.write("forum_comments", post_id=post, user_id=leo.user_id, content="5W-50")
    await on_mias("New comment", 'Leo Tanaka commented on "Oil"')
    await mia.write(
        "forum_comments",
        post_id=post,
        user_id=mia.user_id,
        content="In winter too?",
        parent_comment_id=comment,
    )
    await on_leos("New reply", "Mia Rossi replied to your comment")

    fates = {}
    for person in (mia, leo):
        answer = await person.rpc("my_deliveries", {"p_limit": 200}, get=True)
        fates[person.name] = [(row["kind"], row["channel"], row["state"]) for row in answer.data]
        newest = await person.rpc("my_deliveries", {"p_limit": 2})
        older = await person.rpc("my_deliveries", {"p_before": newest.data[-1]["created_at"]})
        assert newest.data + older.data == answer.data
        assert len(newest.data) == 2
    assert fates == {
        "mia": [
            (kind, "push", "sent")
            for kind in (
                "forum_comment",
                "forum_like",
                "event_rsvp",
                "event_favorited",
                "listing_favorited",
                "message",
            )
        ],
        "leo": [
            (kind, "push", "sent") for kind in ("forum_reply", "saved_search_match", "message")
        ],
    }


async def test_a_phone_shows_what_is_meant_for_who_is_signed_in_on_it(app: App, way: Way) -> None:
    """Mia hands her phone to Leo: what was written to her while it was hers reaches neither of them on it."""
    phone = way.providers.phones.add_new("apns")
    ana, mia, leo = [await app.sign_up(name, name.title()) for name in ("ana", "mia", "leo")]
    to_mia, to_leo = [await ana.begin_conversation(person) for person in (mia, leo)]

    await mia.register(phone, p_installation_id=INSTALLATION)
    await ana.send(to_mia, mia, "For Mia's eyes only")
    # She signs out without taking it away first.
    await mia.sign_out()
    await leo.register(phone, p_installation_id=INSTALLATION)
    await ana.send(to_leo, leo, "For Leo")
    await way.start_worker()
    assert await _pushes(way, 1) == [(phone, "Ana", "For Leo")]

    answer = await leo.rpc("unregister_device_token", {"p_device_token": phone})
    assert (answer.status, answer.data) == (200, {"removed": True})
    await ana.send(to_leo, leo, "Too late")
    assert await _pushes(way, 1) == [(phone, "Ana", "For Leo")]


async def test_the_eleventh_phone_retires_the_one_least_recently_seen(app: App, way: Way) -> None:
    """By RPC and by upsert: pushes go to the ten that were seen last."""
    phones = [way.providers.phones.add_new("expo") for _ in range(12)]
    mia = await app.sign_up("mia", "Mia Rossi")
    leo = await app.sign_up("leo", "Leo Tanaka")
    for phone in phones[:11]:
        await mia.register(phone)
    await mia.register(phones[1])
    assert (await mia.upsert_device(phones[11])).status == 201

    await way.start_worker()
    await leo.send(await leo.begin_conversation(mia), mia, "Hello")
    reached = {token for token, _, _ in await _pushes(way, 10)}
    assert reached == {phones[1], *phones[3:]}
    fates = await way.fetch("select silent_reason, count(*) from gtr_jobs.devices group by 1")
    assert dict(fates) == {"retired": 2, None: 10}


async def test_server_code_reaches_a_phone_once_a_key(app: App, way: Way) -> None:
    """In its own words, under its own trace id; a call that is repeated because its answer was lost changes nothing."""
    phone = way.providers.phones.add_new("fcm")
    mia = await app.sign_up("mia", "Mia Rossi")
    await mia.register(phone, "android")
    listing = await mia.write("listings", user_id=mia.user_id, title="R34 V-Spec")
    server = await app.open("server", is_server=True)
    given = {
        "p_user_id": mia.user_id,
        "p_kind": "listing_favorited",
        "p_data": {"listing_id": listing, "title": "Ten people like your R34"},
        "p_idempotency_key": "ten-likes",
    }
    await way.start_worker()

    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    first = await server.rpc("notify_user", given, headers=headers)
    assert first.status == 200, first
    assert await server.rpc("notify_user", given) == first
    assert await _pushes(way, 1) == [(phone, "Ten people like your R34", "")]
    assert await way.fetch("select trace_id from gtr_jobs.deliveries") == [(TRACE_ID,)]
    many = {**given, "p_user_ids": [mia.user_id]}
    del many["p_user_id"]
    answer = await server.rpc("notify_users", many)
    assert (answer.status, answer.data) == (200, {"notified": 1, "unknown": 0})
    assert len(await _pushes(way, 2)) == 2


async def test_nobody_puts_words_on_anothers_phone(app: App, way: Way) -> None:
    """The app lets anybody write anybody a notification: by no way of the API does one become a push."""
    mia = await app.sign_up("mia", "Mia Rossi")
    leo = await app.sign_up("leo", "Leo Tanaka")
    await mia.register(way.providers.phones.add_new("apns"))
    words = {"type": "message", "title": "You have won", "body": "Tap here"}
    await _write_by_every_way(await app.open("anybody"), mia, words)
    await _write_by_every_way(leo, mia, words)

    # What comes last is sent: whatever stood before it in the queue would have been too.
    await way.start_worker()
    await leo.send(await leo.begin_conversation(mia), mia, "Hello")
    ((_, title, body),) = await _pushes(way, 1)
    assert (title, body) == ("Leo Tanaka", "Hello")
    assert await way.fetch("select count(*) from public.notifications") == [(4,)]


async def _write_by_every_way(client: Client, recipient: Member, words: dict[str, str]) -> None:
    inserted = await client.insert("notifications", {"user_id": recipient.user_id, **words})
    given = {f"p_{name}": value for name, value in words.items()}
    called = await client.rpc("create_notification", {"p_user_id": recipient.user_id, **given})
    assert (inserted.status, called.status) == (201, 200)
