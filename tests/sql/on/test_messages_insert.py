"""A chat message becomes a job that names it, and nothing of what it says."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_conversation, create_person, send_message

CANARY = "canary-7f3a"


@dataclass(frozen=True, slots=True)
class Scene:
    """Two people who chat."""

    sender: UUID
    recipient: UUID
    conversation: UUID


@pytest.fixture
async def scene(admin: AsyncConnection) -> Scene:
    """Two people who chat."""
    sender = await create_person(admin, "ken", "Ken Block")
    recipient = await create_person(admin, "sung", "Sung Kang")
    return Scene(sender, recipient, await create_conversation(admin, sender, recipient))


async def test_a_message_of_a_participant_causes_one_job_with_its_id_only(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """The job's arguments are the row's id; content, sender and recipient are read when it is sent."""
    async with as_user(api, scene.sender):
        row_id = await send_message(
            api, scene.conversation, scene.sender, scene.recipient, f"hello {CANARY}"
        )
    assert await fetch_rows(
        admin,
        "select queue, kind, args, priority, status::text, attempts, scheduled_at from gtr_jobs.jobs",
    ) == [("push", "message", {"id": str(row_id)}, 0, "todo", 0, None)]
    written = await fetch_value(
        admin, "select string_agg(j::text, ' ') from procrastinate.procrastinate_jobs as j"
    )
    assert CANARY not in written
    assert str(scene.recipient) not in written


async def test_a_message_to_oneself_causes_no_job(admin: AsyncConnection, scene: Scene) -> None:
    """Nobody is told what they wrote themselves."""
    await send_message(admin, scene.conversation, scene.sender, scene.sender, "note to self")
    assert await count_jobs(admin) == 0


async def test_a_message_that_row_level_security_refuses_causes_no_job(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """A stranger's message is not written, and neither is its job."""
    stranger = await create_person(admin, "han", "Han Lue")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with as_user(api, stranger):
            await send_message(api, scene.conversation, stranger, scene.recipient, "psst")
    assert await count_jobs(admin) == 0


async def test_one_statement_with_a_thousand_messages_causes_a_thousand_jobs(
    admin: AsyncConnection, scene: Scene
) -> None:
    """The trigger runs once a statement and sees every row."""
    await admin.execute(
        """
        insert into public.messages (conversation_id, sender_id, recipient_id, content)
        select %s, %s, %s, 'message ' || n from generate_series(1, 1000) as n
        """,
        (scene.conversation, scene.sender, scene.recipient),
    )
    assert (
        await fetch_value(
            admin,
            """
        select count(*) from gtr_jobs.jobs as j
        join public.messages as m on m.id = (j.args ->> 'id')::uuid
        """,
        )
        == 1000
    )
    assert await count_jobs(admin) == 1000


async def test_a_statement_that_writes_no_row_causes_no_job(
    admin: AsyncConnection, scene: Scene
) -> None:
    """A statement trigger runs for an empty statement too."""
    await admin.execute(
        "insert into public.messages (conversation_id, sender_id, recipient_id)"
        " select %s, %s, %s where false",
        (scene.conversation, scene.sender, scene.recipient),
    )
    assert await fetch_rows(
        admin,
        "select (select count(*) from gtr_jobs.jobs), (select count(*) from gtr_jobs.enqueue_errors)",
    ) == [(0, 0)]


async def test_a_message_that_is_taken_back_takes_its_job_with_it(
    admin: AsyncConnection, scene: Scene
) -> None:
    """Row and job are one transaction: a rollback leaves neither."""
    async with admin.transaction(force_rollback=True):
        await send_message(admin, scene.conversation, scene.sender, scene.recipient, "oops")
        assert await count_jobs(admin) == 1
    assert await count_jobs(admin) == 0


async def test_copied_messages_cause_jobs(admin: AsyncConnection, scene: Scene) -> None:
    """An import with COPY is a statement like any other."""
    async with admin.cursor().copy(
        "copy public.messages (conversation_id, sender_id, recipient_id, content) from stdin"
    ) as copy:
        for number in range(3):
            await copy.write_row(
                (scene.conversation, scene.sender, scene.recipient, f"old {number}")
            )
    assert await count_jobs(admin) == 3


async def test_a_message_that_is_only_changed_causes_no_job(
    admin: AsyncConnection, scene: Scene
) -> None:
    """Reading, editing and upserting onto an existing row push nothing again."""
    row_id = await send_message(admin, scene.conversation, scene.sender, scene.recipient, "hi")
    await admin.execute("update public.messages set is_read = true where id = %s", (row_id,))
    await admin.execute(
        """
        insert into public.messages (id, conversation_id, sender_id, recipient_id, content)
        values (%s, %s, %s, %s, 'edited') on conflict (id) do update set content = excluded.content
        """,
        (row_id, scene.conversation, scene.sender, scene.recipient),
    )
    assert await count_jobs(admin) == 1


async def test_the_trigger_function_is_nobodys_to_call(api: AsyncConnection, scene: Scene) -> None:
    """A client that writes a message needs no right on the trigger's function or schema."""
    for statement in (
        "select gtr_jobs.on_messages_insert()",
        "select gtr_jobs.enqueue(null)",
        "select * from gtr_jobs.jobs",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with as_user(api, scene.sender):
                await api.execute(statement.encode())
