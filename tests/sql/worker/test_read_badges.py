"""gtr_jobs.read_badges(): the number on the app's icon."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.people import create_conversation, create_person
from support.scans import reads_of


async def _read(connection: AsyncConnection, *people: UUID) -> dict[UUID, int]:
    rows = await fetch_rows(
        connection, "select user_id, badge from gtr_jobs.read_badges(%s)", list(people)
    )
    return dict(rows)


async def _write_messages(
    admin: AsyncConnection, sender: UUID, recipient: UUID, count: int, *, read: int = 0
) -> None:
    conversation = await create_conversation(admin, sender, recipient)
    await admin.execute(
        """
        insert into public.messages (conversation_id, sender_id, recipient_id, content, is_read)
        select %s, %s, %s, 'hello', n <= %s from generate_series(1, %s) as n
        """,
        (conversation, sender, recipient, read, count),
    )


async def _write_notifications(
    admin: AsyncConnection, user_id: UUID, count: int, *, read: int = 0
) -> None:
    await admin.execute(
        """
        insert into public.notifications (user_id, type, title, is_read)
        select %s, 'unheard_of', 'T', n <= %s from generate_series(1, %s) as n
        """,
        (user_id, read, count),
    )


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.fixture
async def friend(admin: AsyncConnection) -> UUID:
    """Who writes to them."""
    return await create_person(admin, "sung", "Sung Kang")


async def test_the_badge_is_what_was_not_read(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, friend: UUID
) -> None:
    """Messages to a person and their notifications; not what they wrote, nor what they read."""
    await _write_messages(admin, friend, person, 5, read=2)
    await _write_notifications(admin, person, 4, read=1)
    assert await _read(worker, person, friend) == {person: 6, friend: 0}


async def test_a_badge_ends_at_99(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, friend: UUID
) -> None:
    """An icon shows no more; neither of the two is counted further."""
    await _write_messages(admin, friend, person, 98)
    assert await _read(worker, person) == {person: 98}
    await _write_notifications(admin, person, 2)
    assert await _read(worker, person) == {person: 99}
    await _write_notifications(admin, person, 500)
    assert await _read(worker, person) == {person: 99}


async def test_everybody_asked_for_has_a_badge(worker: AsyncConnection) -> None:
    """Also who has nothing, or is unknown; nobody has none."""
    stranger = uuid4()
    assert await _read(worker, stranger) == {stranger: 0}
    assert await _read(worker) == {}


async def test_counting_reads_a_hundred_rows_at_most(
    admin: AsyncConnection, person: UUID, friend: UUID
) -> None:
    """However much a person has kept, and however much is unread: entries of the index of unread rows."""
    await _write_messages(admin, friend, person, 20_000, read=15_000)
    await _write_notifications(admin, person, 20_000, read=15_000)
    await admin.execute("analyze public.messages, public.notifications")
    reads = await reads_of(admin, "select gtr_jobs.read_badges(array[%s]::uuid[])", person)
    assert sum(reads.tables.values()) <= 200
    assert max(reads.indexes.values(), default=0) <= 100


@pytest.mark.parametrize(
    ("missing", "badge"),
    [
        (["messages"], 3),
        (["notifications"], 2),
        (["messages", "notifications"], 0),
    ],
)
async def test_an_app_without_a_table_counts_the_other(
    admin: AsyncConnection,
    worker: AsyncConnection,
    person: UUID,
    friend: UUID,
    missing: list[str],
    badge: int,
) -> None:
    """Chat without notifications, or notifications without chat: neither keeps a push from being sent."""
    await _write_messages(admin, friend, person, 2)
    await _write_notifications(admin, person, 3)
    for table in missing:
        await admin.execute(f"drop table public.{table} cascade".encode())

    assert await _read(worker, person) == {person: badge}
