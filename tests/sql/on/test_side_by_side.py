"""Beside an app's old webhook: triggers are exchanged in one transaction, and each row is heard by one of the two."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows
from support.migrations import migrate_with, read_status_with, unfinished
from support.people import create_conversation, create_person, send_message
from support.plans import PLAN

# As a Database Webhook hangs on a table; what it would call writes the row down instead.
WEBHOOK = """
create table public.heard (id uuid not null);
create function public.call_function() returns trigger language plpgsql as $$
begin
    insert into public.heard (id) values (new.id);
    return new;
end
$$;
create trigger "push on message" after insert on public.messages
    for each row execute function public.call_function();
alter table public.messages disable trigger gtr_jobs_messages_insert;
"""
THERE = (
    b'alter table public.messages disable trigger "push on message";'
    b"alter table public.messages enable trigger gtr_jobs_messages_insert"
)
BACK = (
    b"alter table public.messages disable trigger gtr_jobs_messages_insert;"
    b'alter table public.messages enable trigger "push on message"'
)


@dataclass
class Scene:
    """Two people, and a webhook that tells them."""

    admin: AsyncConnection
    one: UUID
    other: UUID
    conversation: UUID

    async def write(self, connection: AsyncConnection | None = None) -> UUID:
        """Write a message."""
        return await send_message(
            connection or self.admin, self.conversation, self.one, self.other, "Hello"
        )

    async def told(self) -> tuple[list[UUID], list[UUID]]:
        """Give the messages that the webhook heard of, and those that we did."""
        heard = await fetch_rows(self.admin, "select id from public.heard")
        ours = await fetch_rows(
            self.admin, "select (args ->> 'id')::uuid from gtr_jobs.jobs order by job_id"
        )
        return [row for (row,) in heard], [row for (row,) in ours]


@pytest.fixture
async def scene(admin: AsyncConnection) -> Scene:
    """Two people, and a webhook that tells them, with our trigger off."""
    one = await create_person(admin, "ken", "Ken Block")
    other = await create_person(admin, "sung", "Sung Kang")
    conversation = await create_conversation(admin, one, other)
    await admin.execute(WEBHOOK.encode())
    return Scene(admin, one, other, conversation)


async def test_each_row_is_heard_by_one_of_the_two(scene: Scene) -> None:
    """Before, after, and back again."""
    first = await scene.write()
    async with scene.admin.transaction():
        await scene.admin.execute(THERE)
    second = await scene.write()
    async with scene.admin.transaction():
        await scene.admin.execute(BACK)
    third = await scene.write()
    assert await scene.told() == ([first, third], [second])


async def test_a_write_under_way_is_heard_once(scene: Scene, database: ProjectDatabase) -> None:
    """The exchange waits for it, gives up soon and has changed nothing; the next one is clean."""
    async with await database.connect_async() as app:
        async with app.transaction():
            first = await scene.write(app)
            # Both statements are one transaction.
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await scene.admin.execute(b"set local lock_timeout = '50ms';" + THERE)
        second = await scene.write(app)
        async with scene.admin.transaction():
            await scene.admin.execute(THERE)
        third = await scene.write(app)
    assert await scene.told() == ([first, second], [third])


async def test_the_status_tells_of_a_trigger_that_is_off_and_a_migration_attaches_it(
    scene: Scene, database: ProjectDatabase
) -> None:
    """So nobody migrates in the middle of a move, and afterwards nothing stays off by mistake."""
    assert unfinished(read_status_with(database, PLAN)) == {
        "trigger on public.messages": "missing or disabled"
    }
    assert migrate_with(database, PLAN).files == ("on/messages_insert.sql",)
    row = await scene.write()
    assert await scene.told() == ([row], [row])


async def test_the_projects_owner_can_try_it_with_a_message_that_is_there(scene: Scene) -> None:
    """A job of its own, and no row: the webhook hears nothing of it."""
    row = await scene.write()
    await scene.admin.execute(
        "select gtr_jobs.enqueue(array["
        " gtr_jobs.job('message', jsonb_build_object('id', %s::uuid), 'try:1')])",
        [row],
    )
    assert await scene.told() == ([row], [row])
