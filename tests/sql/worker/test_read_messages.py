"""gtr_jobs.read_messages(): the chat messages that pushes are about."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.people import create_conversation, create_person, send_message
from support.scans import reads_of

QUERY = """
    select message_id, conversation_id, sender_id, sender_name, recipient_id, content, has_image
    from gtr_jobs.read_messages(%s)
"""


@pytest.fixture
async def people(admin: AsyncConnection) -> tuple[UUID, UUID, UUID]:
    """Two who chat, and their conversation."""
    one = await create_person(admin, "ken", "Ken Block")
    other = await create_person(admin, "sung", "Sung Kang")
    return one, other, await create_conversation(admin, one, other)


async def test_a_message_is_read_with_its_senders_name(
    admin: AsyncConnection, worker: AsyncConnection, people: tuple[UUID, UUID, UUID]
) -> None:
    """All that a push needs, in one read; ids that are gone are missing."""
    one, other, conversation = people
    message = await send_message(admin, conversation, one, other, "hello")
    assert await fetch_rows(worker, QUERY, [message, uuid4()]) == [
        (message, conversation, one, "Ken Block", other, "hello", False)
    ]
    assert await fetch_rows(worker, QUERY, []) == []


@pytest.mark.parametrize(
    ("full_name", "username", "shown"),
    [
        ("Ken Block", "ken", "Ken Block"),
        ("  Ken Block ", "ken", "Ken Block"),
        ("   ", "ken", "ken"),
        (None, "ken", "ken"),
        (None, None, ""),
    ],
)
async def test_a_sender_is_named_as_well_as_they_are_known(
    admin: AsyncConnection,
    worker: AsyncConnection,
    people: tuple[UUID, UUID, UUID],
    full_name: str | None,
    username: str | None,
    shown: str,
) -> None:
    """The full name, else the user name, else nothing."""
    one, other, conversation = people
    await admin.execute(
        "update public.profiles set full_name = %s, username = %s where id = %s",
        (full_name, username, one),
    )
    message = await send_message(admin, conversation, one, other, "hello")
    assert await fetch_rows(
        worker, "select sender_name from gtr_jobs.read_messages(%s)", [message]
    ) == [(shown,)]


async def test_a_sender_without_a_profile_has_no_name(
    admin: AsyncConnection, worker: AsyncConnection, people: tuple[UUID, UUID, UUID]
) -> None:
    """The message is read all the same."""
    one, other, conversation = people
    message = await send_message(admin, conversation, one, other, "hello")
    await admin.execute("delete from public.profiles where id = %s", (one,))
    assert await fetch_rows(
        worker, "select sender_name, content from gtr_jobs.read_messages(%s)", [message]
    ) == [("", "hello")]


async def test_a_message_may_be_a_picture_alone(
    admin: AsyncConnection, worker: AsyncConnection, people: tuple[UUID, UUID, UUID]
) -> None:
    """Content may be missing; the picture's address is not read."""
    one, other, conversation = people
    await admin.execute(
        "insert into public.messages (conversation_id, sender_id, recipient_id, image_url)"
        " values (%s, %s, %s, 'https://example.test/1.jpg')",
        (conversation, one, other),
    )
    (message,) = (await fetch_rows(admin, "select id from public.messages"))[0]
    assert await fetch_rows(
        worker, "select content, has_image from gtr_jobs.read_messages(%s)", [message]
    ) == [("", True)]


async def test_long_content_is_cut(
    admin: AsyncConnection, worker: AsyncConnection, people: tuple[UUID, UUID, UUID]
) -> None:
    """A push shows a line: a novel does not travel to the worker."""
    one, other, conversation = people
    message = await send_message(admin, conversation, one, other, "é" * 100_000)
    assert await fetch_rows(
        worker, "select content from gtr_jobs.read_messages(%s)", [message]
    ) == [("é" * 4000,)]


async def test_reading_messages_finds_them_by_id(
    admin: AsyncConnection, people: tuple[UUID, UUID, UUID]
) -> None:
    """No table is read through."""
    one, other, conversation = people
    await admin.execute(
        "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
        " select %s, %s, %s, 'hello' from generate_series(1, 20000)",
        (conversation, one, other),
    )
    await admin.execute("analyze public.messages")
    rows = await fetch_rows(admin, "select id from public.messages limit 20")
    reads = await reads_of(
        admin, "select gtr_jobs.read_messages(%s)", [message for (message,) in rows]
    )
    assert "public.messages" not in reads.tables
    assert reads.indexes["public.messages_pkey"] == 20
