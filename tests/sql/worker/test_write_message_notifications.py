"""gtr_jobs.write_message_notifications(): chat messages among the app's notifications, once each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_conversation, create_person, send_message

WRITE = "select gtr_jobs.write_message_notifications(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Scene:
    """Two who chat, and a message."""

    sender: UUID
    recipient: UUID
    conversation: UUID
    message: UUID


@pytest.fixture
async def scene(admin: AsyncConnection) -> Scene:
    """Two who chat, and a message."""
    sender = await create_person(admin, "ken", "Ken Block")
    recipient = await create_person(admin, "sung", "Sung Kang")
    conversation = await create_conversation(admin, sender, recipient)
    message = await send_message(admin, conversation, sender, recipient, "raw")
    return Scene(sender, recipient, conversation, message)


async def test_a_message_stands_among_its_recipients_notifications(
    admin: AsyncConnection, worker: AsyncConnection, scene: Scene
) -> None:
    """As it was worded for the push, to whom the message's own row says."""
    assert await fetch_value(worker, WRITE, [scene.message], ["Ken Block"], ["Hello"]) == 1
    assert await fetch_rows(
        admin, "select user_id, type, title, body, data, is_read, read_at from public.notifications"
    ) == [
        (
            scene.recipient,
            "message",
            "Ken Block",
            "Hello",
            {
                "message_id": str(scene.message),
                "conversation_id": str(scene.conversation),
                "user_id": str(scene.sender),
            },
            False,
            None,
        )
    ]


async def test_a_message_is_written_once(worker: AsyncConnection, scene: Scene) -> None:
    """A job that runs again writes nothing again; a message that is gone, nothing at all."""
    assert await fetch_value(worker, WRITE, [scene.message], ["A"], ["B"]) == 1
    assert await fetch_value(worker, WRITE, [scene.message, uuid4()], ["A", "C"], ["B", "D"]) == 0


async def test_the_row_causes_no_second_push(
    admin: AsyncConnection, worker: AsyncConnection, scene: Scene
) -> None:
    """The message's own job is the only one."""
    before = await count_jobs(admin)
    await worker.execute(WRITE, ([scene.message], ["A"], ["B"]))
    assert (before, await count_jobs(admin)) == (1, 1)


async def test_a_message_that_was_read_meanwhile_is_a_notification_that_was_read(
    admin: AsyncConnection, worker: AsyncConnection, scene: Scene
) -> None:
    """Nobody is asked to read it twice."""
    await admin.execute("update public.messages set is_read = true, read_at = '2026-03-01'")
    await worker.execute(WRITE, ([scene.message], ["A"], ["B"]))
    assert await fetch_rows(
        admin,
        "select n.is_read, n.read_at = m.read_at from public.notifications as n, public.messages as m",
    ) == [(True, True)]


async def test_what_goes_wrong_is_on_record_and_raises_nothing(
    admin: AsyncConnection, worker: AsyncConnection, scene: Scene
) -> None:
    """The push matters more than the row; nothing of what was written is kept."""
    await admin.execute(
        "alter table public.notifications add constraint never check (title <> 'canary')"
    )
    assert await fetch_value(worker, WRITE, [scene.message], ["canary"], ["canary"]) == 0
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("write_message_notifications", "23514")
    ]
    kept = await fetch_value(admin, "select e::text from gtr_jobs.enqueue_errors as e")
    assert "canary" not in kept


async def test_the_badge_counts_such_a_message_once(worker: AsyncConnection, scene: Scene) -> None:
    """It is one thing to read, wherever it stands."""
    await worker.execute(WRITE, ([scene.message], ["A"], ["B"]))
    assert await fetch_rows(
        worker, "select user_id, badge from gtr_jobs.read_badges(%s)", [scene.recipient]
    ) == [(scene.recipient, 1)]
