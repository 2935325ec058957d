"""Whatever is wrong with the queue, the app's own statement goes through and the fault is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.databases import ProjectDatabase
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_conversation, create_person, send_message

# As content may look: with quotes, brackets and a line that looks like one of PostgreSQL's own.
CANARY = "canary7f3a"
CONTENT = f"""he said "{CANARY}" and '{CANARY}' ({CANARY}\nPL/pgSQL function {CANARY}(x) line 1 at {CANARY}"""

BREAKAGES = {
    "the kind is not listed": ("delete from gtr_jobs.job_kinds where kind = 'message'", "GTR01"),
    "the jobs table is gone": (
        "alter table procrastinate.procrastinate_jobs rename to somewhere_else",
        "42P01",
    ),
    "the jobs table has a new column that must be filled": (
        "alter table procrastinate.procrastinate_jobs add column tenant text not null",
        "23502",
    ),
    "the jobs table refuses the row": (
        "alter table procrastinate.procrastinate_jobs add constraint never check (false)",
        "23514",
    ),
    "the function is gone": ("drop function gtr_jobs.enqueue(gtr_jobs.job_request[])", "42883"),
    "a trigger on the jobs table raises": (
        f"""
        create function public.raise_it() returns trigger language plpgsql
            as $$ begin raise 'no "{CANARY}" of mine, {CANARY}'; end $$;
        create trigger raise_it before insert on procrastinate.procrastinate_jobs
            for each row execute function public.raise_it();
        """.replace(f", {CANARY}", ""),
        "P0001",
    ),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Two people who chat."""

    sender: UUID
    recipient: UUID
    conversation: UUID

    async def write(self, connection: AsyncConnection) -> UUID:
        """Write a message."""
        return await send_message(
            connection, self.conversation, self.sender, self.recipient, CONTENT
        )


@pytest.fixture
async def scene(admin: AsyncConnection) -> Scene:
    """Two people who chat."""
    sender = await create_person(admin, "ken", "Ken Block")
    recipient = await create_person(admin, "sung", "Sung Kang")
    return Scene(sender, recipient, await create_conversation(admin, sender, recipient))


async def _records(admin: AsyncConnection) -> list[tuple[Any, ...]]:
    return await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors")


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_a_broken_queue_does_not_keep_a_message_from_being_written(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene, breakage: str
) -> None:
    """The message stands, and what went wrong is on record once, with nothing of what was written."""
    statements, sqlstate = BREAKAGES[breakage]
    await admin.execute(statements.encode())
    async with as_user(api, scene.sender):
        row_id = await scene.write(api)
    assert await fetch_value(admin, "select content from public.messages where id = %s", row_id)
    assert await _records(admin) == [("messages_insert", sqlstate)]
    kept = await fetch_value(admin, "select e::text from gtr_jobs.enqueue_errors as e")
    assert CANARY not in kept


async def test_a_strict_installation_fails_the_statement_instead(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """Who would rather lose the message than its push says so in gtr_jobs.installation."""
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'message'")
    await admin.execute("update gtr_jobs.installation set strict_enqueue = true where only_row")
    with pytest.raises(psycopg.Error) as caught:
        async with as_user(api, scene.sender):
            await scene.write(api)
    assert caught.value.sqlstate == "GTR01"
    assert await fetch_value(admin, "select count(*) from public.messages") == 0


async def test_strictness_holds_where_even_the_note_cannot_be_kept(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """A strict installation fails the statement although the fault cannot be recorded."""
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'message'")
    await admin.execute("update gtr_jobs.installation set strict_enqueue = true where only_row")
    await admin.execute("drop table gtr_jobs.enqueue_errors")
    with pytest.raises(psycopg.Error) as caught:
        async with as_user(api, scene.sender):
            await scene.write(api)
    assert caught.value.sqlstate == "GTR01"


async def test_where_no_note_can_be_kept_the_message_is_written_all_the_same(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """With the book of errors gone too, what is left is a warning in the server's log, without data."""
    notices: list[str] = []
    api.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'message'")
    await admin.execute("drop table gtr_jobs.enqueue_errors")
    async with as_user(api, scene.sender):
        row_id = await scene.write(api)
    assert await fetch_value(admin, "select id from public.messages") == row_id
    assert notices == ["gtr_jobs: messages_insert was not enqueued (GTR01)"]


async def test_a_locked_queue_is_waited_for_200_milliseconds_only(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene, database: ProjectDatabase
) -> None:
    """While maintenance holds the jobs table, messages are written without their jobs."""
    async with await database.connect_async() as other, other.transaction():
        await other.execute("lock table procrastinate.procrastinate_jobs in access exclusive mode")
        async with as_user(api, scene.sender):
            before = await fetch_value(api, "select clock_timestamp()")
            await scene.write(api)
            waited = await fetch_value(api, "select clock_timestamp()") - before
    assert await _records(admin) == [("messages_insert", "55P03")]
    assert 0.2 <= waited.total_seconds() < 2


async def test_a_timeout_of_the_caller_that_falls_into_our_trigger_is_caught(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene, database: ProjectDatabase
) -> None:
    """The caller's time is up while we wait: the message is written, the job is not."""
    async with await database.connect_async() as other, other.transaction():
        await other.execute("lock table procrastinate.procrastinate_jobs in access exclusive mode")
        async with as_user(api, scene.sender):
            await api.execute("set local statement_timeout = '100ms'")
            row_id = await scene.write(api)
    assert await fetch_value(admin, "select id from public.messages") == row_id
    assert await _records(admin) == [("messages_insert", "57014")]


async def test_a_timeout_of_the_app_itself_is_left_to_the_app(
    api: AsyncConnection, scene: Scene
) -> None:
    """What is cancelled outside our trigger fails as it did without us."""
    async with as_user(api, scene.sender):
        await scene.write(api)
        await api.execute("set local statement_timeout = '50ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            async with api.transaction():
                await api.execute("select pg_sleep(5)")


async def test_two_open_transactions_do_not_wait_for_each_other(
    scene: Scene, admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Two people write at the same time: neither transaction must end before the other goes on."""
    async with (
        await database.connect_async("authenticator") as one,
        await database.connect_async("authenticator") as other,
        as_user(one, scene.sender),
        as_user(other, scene.recipient),
    ):
        await scene.write(one)
        await other.execute("set local statement_timeout = '150ms'")
        await send_message(other, scene.conversation, scene.recipient, scene.sender, "and you?")
        await scene.write(one)
    assert await _records(admin) == []
    assert await count_jobs(admin) == 3


async def test_the_callers_own_statements_are_not_kept(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """A function of the app that writes by dynamic SQL stands in the context with all its text."""
    await admin.execute(
        """
        create function public.write_it(p_text text, p_ids uuid[]) returns void
        language plpgsql security definer as $$
        begin
            execute format(
                'insert into public.messages (conversation_id, sender_id, recipient_id, content)
                    values (%L, %L, %L, %L)', p_ids[1], p_ids[2], p_ids[3], p_text
            );
        end
        $$;
        delete from gtr_jobs.job_kinds where kind = 'message';
        grant execute on function public.write_it to authenticated;
        """
    )
    async with as_user(api, scene.sender):
        await api.execute(
            "select public.write_it(%s, %s)",
            (CONTENT, [scene.conversation, scene.sender, scene.recipient]),
        )
    kept = await fetch_value(admin, "select e::text from gtr_jobs.enqueue_errors as e")
    assert CANARY not in kept
    assert str(scene.sender) not in kept
    context = await fetch_value(admin, "select context from gtr_jobs.enqueue_errors")
    assert "gtr_jobs.enqueue line" in context
