"""The app's own tables behave as the app has them: policies, triggers, and the hole among them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from support.api import as_anon, as_user
from support.databases import ProjectDatabase
from support.people import (
    create_conversation,
    create_device,
    create_listing,
    create_person,
    favourite_listing,
    send_message,
)


async def _notifications(connection: psycopg.AsyncConnection) -> list[Any]:
    cursor = await connection.execute(
        "select user_id, type, data from public.notifications order by created_at, type"
    )
    return await cursor.fetchall()


async def _insert_id(connection: psycopg.AsyncConnection, statement: str, *values: object) -> UUID:
    row = await (await connection.execute(statement.encode(), values)).fetchone()
    assert row is not None
    row_id: UUID = row[0]
    return row_id


async def test_anybody_can_write_a_notification_for_anybody(
    bare_database: ProjectDatabase,
) -> None:
    """The app's own hole is here as it is there: by a plain insert, and by its definer function."""
    connection = await bare_database.connect_async()
    async with connection:
        victim = await create_person(connection, "vera", "Vera Skyline")
        async with as_anon(connection):
            await connection.execute(
                "insert into public.notifications (user_id, type, title) values (%s, 'message', 'Spam')",
                (victim,),
            )
            await connection.execute(
                "select public.create_notification(%s, 'message', 'Spam', 'Spam', '{}')", (victim,)
            )
        assert await _notifications(connection) == [(victim, "message", {})] * 2


async def test_people_see_their_own_notifications_only(bare_database: ProjectDatabase) -> None:
    """What stands in another's list cannot be read."""
    connection = await bare_database.connect_async()
    async with connection:
        one = await create_person(connection, "ken", "Ken Block")
        other = await create_person(connection, "sung", "Sung Kang")
        await connection.execute(
            "select public.create_notification(%s, 'message', 'Hello', 'Hello', '{}')", (one,)
        )
        async with as_user(connection, one):
            seen_by_one = await _notifications(connection)
        async with as_user(connection, other):
            seen_by_other = await _notifications(connection)
    assert (seen_by_one, seen_by_other) == ([(one, "message", {})], [])


async def test_who_signs_up_has_a_profile(bare_database: ProjectDatabase) -> None:
    """Of what the client said of them, by the app's own trigger; who said nothing has an empty one."""
    connection = await bare_database.connect_async("supabase_auth_admin")
    admin = await bare_database.connect_async()
    async with connection, admin:
        await connection.execute(
            "insert into users (id, email, raw_user_meta_data) values"
            ' (gen_random_uuid(), \'mia@example.test\', \'{"username": "mia", "full_name": "Mia Rossi"}\'),'
            " (gen_random_uuid(), 'silent@example.test', null)"
        )
        cursor = await admin.execute(
            "select p.username, p.full_name, p.email from public.profiles as p"
            " join auth.users as u using (id) order by p.email"
        )
        assert await cursor.fetchall() == [
            ("mia", "Mia Rossi", "mia@example.test"),
            (None, None, "silent@example.test"),
        ]


async def test_a_favourite_tells_the_seller_through_the_apps_own_trigger(
    bare_database: ProjectDatabase,
) -> None:
    """The row has the ids of the listing, the like and who liked it; the seller's own like makes none."""
    connection = await bare_database.connect_async("authenticator")
    admin = await bare_database.connect_async()
    async with connection, admin:
        seller = await create_person(admin, "nismo", "Nis Mo")
        buyer = await create_person(admin, "rb26", "Ruby Twentysix")
        async with as_user(connection, seller):
            listing = await create_listing(connection, seller, "R34 V-Spec")
            await favourite_listing(connection, listing, seller)
        async with as_user(connection, buyer):
            favourite = await favourite_listing(connection, listing, buyer)
        cursor = await admin.execute("select user_id, type, body, data from public.notifications")
        assert await cursor.fetchall() == [
            (
                seller,
                "listing_favorited",
                'Ruby Twentysix likes "R34 V-Spec"',
                {
                    "listing_id": str(listing),
                    "user_id": str(buyer),
                    "favorite_id": str(favourite),
                },
            )
        ]


async def test_events_tell_their_host(bare_database: ProjectDatabase) -> None:
    """A like and an answer each write a notification for who made the event."""
    connection = await bare_database.connect_async()
    async with connection:
        host = await create_person(connection, "host", "Hosta")
        guest = await create_person(connection, "guest", "Guesta")
        event = await _insert_id(
            connection,
            "insert into public.events (created_by, title, start_date) values (%s, 'Meet', now()) returning id",
            host,
        )
        async with as_user(connection, guest):
            like = await _insert_id(
                connection,
                "insert into public.event_favorites (event_id, user_id) values (%s, %s) returning id",
                event,
                guest,
            )
            rsvp = await _insert_id(
                connection,
                "insert into public.event_rsvps (event_id, user_id) values (%s, %s) returning id",
                event,
                guest,
            )
        by_guest = {"event_id": str(event), "user_id": str(guest)}
        assert await _notifications(connection) == [
            (host, "event_favorited", by_guest | {"favorite_id": str(like)}),
            (host, "event_rsvp", by_guest | {"rsvp_id": str(rsvp), "status": "going"}),
        ]


async def test_the_forum_tells_authors(bare_database: ProjectDatabase) -> None:
    """A comment and a like tell the post's author, a reply tells who is answered, and nobody hears of themselves."""
    connection = await bare_database.connect_async()
    comment_on = """
        insert into public.forum_comments (post_id, user_id, content, parent_comment_id) values (%s, %s, 'Yes', %s) returning id
    """
    async with connection:
        author = await create_person(connection, "author", "Autho R")
        reader = await create_person(connection, "reader", "Reade R")
        post = await _insert_id(
            connection,
            "insert into public.forum_posts (user_id, title, content) values (%s, 'Oil', 'Which?') returning id",
            author,
        )
        async with as_user(connection, reader):
            comment = await _insert_id(connection, comment_on, post, reader, None)
            like = await _insert_id(
                connection,
                "insert into public.post_likes (post_id, user_id) values (%s, %s) returning id",
                post,
                reader,
            )
        async with as_user(connection, author):
            reply = await _insert_id(connection, comment_on, post, author, comment)
        assert await _notifications(connection) == [
            (
                author,
                "forum_comment",
                {"post_id": str(post), "comment_id": str(comment), "user_id": str(reader)},
            ),
            (
                author,
                "forum_like",
                {"post_id": str(post), "like_id": str(like), "user_id": str(reader)},
            ),
            (
                reader,
                "forum_reply",
                {
                    "post_id": str(post),
                    "comment_id": str(reply),
                    "parent_comment_id": str(comment),
                    "user_id": str(author),
                },
            ),
        ]


async def test_a_participant_can_write_a_message_and_a_stranger_cannot(
    bare_database: ProjectDatabase,
) -> None:
    """Row level security lets the sender write to the other one of the two, and nobody else to anybody."""
    connection = await bare_database.connect_async("authenticator")
    admin = await bare_database.connect_async()
    async with connection, admin:
        one = await create_person(admin, "one", "One")
        other = await create_person(admin, "other", "Other")
        stranger = await create_person(admin, "stranger", "Stranger")
        conversation = await create_conversation(admin, one, other)
        async with as_user(connection, one):
            message = await send_message(connection, conversation, one, other, "Still for sale?")
        for sender, recipient in ((stranger, other), (one, other), (one, stranger)):
            caller = stranger if recipient == other else one
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with as_user(connection, caller):
                    await send_message(connection, conversation, sender, recipient, "Psst")
        cursor = await admin.execute("select id, sender_id, recipient_id from public.messages")
        assert await cursor.fetchall() == [(message, one, other)]
        assert await _notifications(admin) == []


async def test_a_phone_is_registered_by_its_owner_only(bare_database: ProjectDatabase) -> None:
    """Rows of user_device_tokens are one's own; the same token can stand under two accounts."""
    connection = await bare_database.connect_async()
    async with connection:
        one = await create_person(connection, "first", "First")
        other = await create_person(connection, "second", "Second")
        async with as_user(connection, one):
            await create_device(connection, one, "shared-token", "android")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with as_user(connection, other):
                await create_device(connection, one, "another-token")
        async with as_user(connection, other):
            await create_device(connection, other, "shared-token", "ios")
            cursor = await connection.execute(
                "select user_id, platform from public.user_device_tokens"
            )
            assert await cursor.fetchall() == [(other, "ios")]
