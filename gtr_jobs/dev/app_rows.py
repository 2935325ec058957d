"""People of the app and what they do, written as the app's own rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import AsyncConnection, sql


async def create_person(connection: AsyncConnection, username: str, full_name: str) -> UUID:
    """Make an account, to which the app's own trigger gives a profile, and return its id; the connection is postgres' own."""
    user_id = uuid4()
    await connection.execute(
        """
        insert into auth.users (id, aud, role, email, email_confirmed_at, raw_user_meta_data, created_at, updated_at)
        values (
            %(id)s, 'authenticated', 'authenticated', %(email)s, now(),
            jsonb_build_object('username', %(username)s::text, 'full_name', %(full_name)s::text), now(), now()
        )
        """,
        {
            "id": user_id,
            "email": f"{username}@example.test",
            "username": username,
            "full_name": full_name,
        },
    )
    return user_id


async def create_device(
    connection: AsyncConnection,
    user_id: UUID,
    token: str,
    platform: Literal["ios", "android"] = "ios",
) -> UUID:
    """Register a phone, as the app's client does after it was given a token, and return its row's id."""
    return await _insert(
        connection, "user_device_tokens", user_id=user_id, device_token=token, platform=platform
    )


async def create_conversation(connection: AsyncConnection, one: UUID, other: UUID) -> UUID:
    """Begin a conversation of two people and return its id."""
    first, second = sorted((one, other))
    return await _insert(connection, "conversations", user1_id=first, user2_id=second)


async def send_message(
    connection: AsyncConnection,
    conversation_id: UUID,
    sender_id: UUID,
    recipient_id: UUID,
    content: str,
) -> UUID:
    """Write a chat message and return its id."""
    return await _insert(
        connection,
        "messages",
        conversation_id=conversation_id,
        sender_id=sender_id,
        recipient_id=recipient_id,
        content=content,
    )


async def create_listing(
    connection: AsyncConnection, seller_id: UUID, title: str, **columns: Any
) -> UUID:
    """Put a car up for sale, with whatever else is said of it, and return its listing's id."""
    return await _insert(connection, "listings", user_id=seller_id, title=title, **columns)


async def favourite_listing(connection: AsyncConnection, listing_id: UUID, user_id: UUID) -> UUID:
    """Like a listing and return the like's id; the app's own trigger tells the seller."""
    return await _insert(connection, "listing_favorites", listing_id=listing_id, user_id=user_id)


async def save_search(
    connection: AsyncConnection, user_id: UUID, name: str, **criteria: Any
) -> UUID:
    """Save what somebody looks for and return the search's id."""
    return await _insert(
        connection, "saved_searches", user_id=user_id, search_name=name, **criteria
    )


async def create_event(connection: AsyncConnection, organiser_id: UUID, title: str) -> UUID:
    """Announce a meet that begins tomorrow and return its id."""
    return await _insert(
        connection,
        "events",
        created_by=organiser_id,
        title=title,
        start_date=datetime.now(UTC) + timedelta(days=1),
    )


async def favourite_event(connection: AsyncConnection, event_id: UUID, user_id: UUID) -> UUID:
    """Like an event and return the like's id; the app's own trigger tells the organiser."""
    return await _insert(connection, "event_favorites", event_id=event_id, user_id=user_id)


async def answer_event(connection: AsyncConnection, event_id: UUID, user_id: UUID) -> UUID:
    """Say that one comes and return the answer's id; the app's own trigger tells the organiser."""
    return await _insert(connection, "event_rsvps", event_id=event_id, user_id=user_id)


async def write_post(
    connection: AsyncConnection, author_id: UUID, title: str, content: str
) -> UUID:
    """Write into the forum and return the post's id."""
    return await _insert(connection, "forum_posts", user_id=author_id, title=title, content=content)


async def write_comment(
    connection: AsyncConnection,
    post_id: UUID,
    author_id: UUID,
    content: str,
    parent_comment_id: UUID | None = None,
) -> UUID:
    """Comment on a post, or reply to a comment, and return its id; the app's own triggers tell."""
    return await _insert(
        connection,
        "forum_comments",
        post_id=post_id,
        user_id=author_id,
        content=content,
        parent_comment_id=parent_comment_id,
    )


async def like_post(connection: AsyncConnection, post_id: UUID, user_id: UUID) -> UUID:
    """Like a post and return the like's id; the app's own trigger tells its author."""
    return await _insert(connection, "post_likes", post_id=post_id, user_id=user_id)


async def _insert(connection: AsyncConnection, table: str, **values: Any) -> UUID:
    cursor = await connection.execute(
        sql.SQL("insert into {} ({}) values ({}) returning id").format(
            sql.Identifier("public", table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        ),
        values,
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"the database gave no id for a row of {table}")
    row_id: UUID = row[0]
    return row_id
