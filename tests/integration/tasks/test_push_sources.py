"""The push queue with kinds about other tables: each reads its own rows, and its faults are its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Engine, run_engine
from support.jobs import fetch_rows
from support.people import create_conversation, create_device, create_person, send_message

from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.sources import Sources, try_source
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import Accepted, Outcome
from gtr_jobs.domain.push import Push, Urgency
from gtr_jobs.domain.sources import Source
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.kinds.base import Notice
from gtr_jobs.kinds.new_message import NewMessage
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.tasks.push import PushStore, PushTask

CANARY = "canary-52c1"
DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"
# A view of the same rows that are messages, by a function of another team's.
READ = """
create schema garage;
grant usage on schema garage to gtr_worker;
insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)
values ('message_to_garage', 'push', 'garage messages_insert', 8);
create function garage.read_notes(p_ids uuid[])
returns table (row_id uuid, recipient_id uuid, words integer)
language plpgsql security definer set search_path = ''
as $$
begin
    {first}
    return query
    select m.id, m.recipient_id, pg_catalog.char_length(m.content) from public.messages as m where m.id = any(p_ids);
end
$$;
grant execute on function garage.read_notes(uuid[]) to gtr_worker;
"""


@dataclass(frozen=True, slots=True)
class Note:
    """What another team reads of a message: its columns in another order than the function's."""

    words: int
    recipient_id: UUID
    row_id: UUID


class NoteTold:
    """A kind about the same rows as the package's own."""

    name: ClassVar[str] = "message_to_garage"
    source: ClassVar[Source[Note]] = Source("garage.read_notes", Note)
    time_to_live: ClassVar[timedelta] = timedelta(hours=1)
    urgency: ClassVar[Urgency] = "normal"

    def tell(self, row: Note) -> Notice:
        """Word the notice."""
        return Notice(f"{row.words} signs", "", "x", "x", f"note-{row.row_id}")


class Carrier:
    """A provider that accepts everything."""

    name = "apns"
    app = "default"
    token_kind: TokenKind = "apns"

    def __init__(self) -> None:
        self.pressure = Pressure(self.name, 1000)
        self.titles: list[str] = []

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Take pushes."""
        await asyncio.sleep(0)
        self.titles += [push.message.title for push in pushes]
        return [Accepted("a-1") for _ in pushes]

    async def check(self) -> None:
        """Have nothing to check."""

    async def close(self) -> None:
        """Have nothing to close."""


@dataclass
class Scene:
    """A worker that knows both kinds, and a person with a phone."""

    engine: Engine
    task: PushTask
    carrier: Carrier
    people: tuple[UUID, UUID, UUID]

    async def write_both(self) -> UUID:
        """Write a message that is told twice, by both kinds, and let the worker claim both jobs at once."""
        one, other, conversation = self.people
        async with self.engine.admin.transaction():
            row_id = await send_message(self.engine.admin, conversation, one, other, "Hello")
            await self.engine.admin.execute(
                "select gtr_jobs.enqueue(array[gtr_jobs.job('message_to_garage',"
                " jsonb_build_object('id', %s::uuid), 'note')])",
                [row_id],
            )
        self.engine.start_lane(self.task, kinds=frozenset(self.task.kinds))
        return row_id


@pytest.fixture
async def scene(database: ProjectDatabase) -> AsyncIterator[Scene]:
    """A worker that knows both kinds, and a person with a phone."""
    async with await database.connect_async() as admin, run_engine(database, admin) as engine:
        one = await create_person(admin, "ken", "Ken Block")
        other = await create_person(admin, "sung", "Sung Kang")
        await create_device(admin, other, "ab" * 32)
        carrier, pool = Carrier(), engine.pool
        task = PushTask(
            kinds=[NewMessage(), NoteTold()],
            providers={(carrier.app, carrier.token_kind): carrier},
            store=PushStore(Sources(pool), Devices(pool), Deliveries(pool)),
            scheme="app",
            levers=engine.context.levers(),
            log=engine.context.log,
            metrics=engine.context.metrics,
        )
        conversation = await create_conversation(admin, one, other)
        yield Scene(engine, task, carrier, (one, other, conversation))


async def _make_reader(admin: AsyncConnection, first: str = "") -> None:
    await admin.execute(READ.format(first=first).encode())


async def _states(scene: Scene) -> list[tuple[Any, ...]]:
    return await fetch_rows(
        scene.engine.admin, "select kind, state::text from gtr_jobs.deliveries order by kind"
    )


async def test_two_kinds_about_one_row_read_it_each_in_its_own_way(scene: Scene) -> None:
    """By name and not by place; neither is given what the other read."""
    await _make_reader(scene.engine.admin)
    await scene.write_both()
    await scene.engine.until(DONE, 2)
    assert sorted(scene.carrier.titles) == ["5 signs", "Ken Block"]
    assert await _states(scene) == [("message", "sent"), ("message_to_garage", "sent")]


async def test_a_function_that_fails_uses_up_the_attempts_of_its_own_jobs_only(
    scene: Scene,
) -> None:
    """Chat messages of the same batch are sent; the log has the fault's kind and not its text."""
    await _make_reader(scene.engine.admin, f"raise exception '{CANARY}';")
    await scene.write_both()
    await scene.engine.until(DONE, 1)
    await scene.engine.until("select max(attempts) from gtr_jobs.jobs", 1)
    assert scene.carrier.titles == ["Ken Block"]
    (fault,) = scene.engine.events("jobs.handler_failed")
    assert (fault["error"], fault["jobs"]) == ("RaiseException", 1)
    assert CANARY not in str(scene.engine.log.entries)


async def test_a_function_that_is_too_slow_holds_up_its_own_jobs_only(scene: Scene) -> None:
    """Cancelled by the server: its jobs wait a second and use no attempt, the others are sent."""
    await _make_reader(
        scene.engine.admin, "raise exception 'slow' using errcode = 'query_canceled';"
    )
    await scene.write_both()
    await scene.engine.until(DONE, 1)
    await scene.engine.until_said("jobs.handler_failed")
    assert scene.carrier.titles == ["Ken Block"]
    assert await fetch_rows(scene.engine.admin, "select kind, attempts from gtr_jobs.jobs") == [
        ("message_to_garage", 0)
    ]
    await _replace_reader(scene.engine.admin)
    await scene.engine.until(DONE, 2)
    assert await _states(scene) == [("message", "sent"), ("message_to_garage", "sent")]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Source("garage.none", Note), "function garage.none(uuid[]) does not exist"),
        (Source("none.read_notes", Note), 'schema "none" does not exist'),
        (Source("garage.hidden", Note), "permission denied for function hidden"),
        (Source("garage.read_notes", Note, ("id",)), 'column "id" does not exist'),
    ],
)
async def test_a_source_that_cannot_be_read_is_refused_before_it_is_needed(
    scene: Scene, source: Source[Note], said: str
) -> None:
    """Not there, not granted, or with other columns; one that can be read says nothing."""
    await _make_reader(scene.engine.admin)
    await scene.engine.admin.execute(
        "create function garage.hidden(p_ids uuid[])"
        " returns table (row_id uuid, recipient_id uuid, words integer)"
        " language sql as 'select * from garage.read_notes(p_ids)';"
        "revoke all on function garage.hidden(uuid[]) from public"
    )
    async with scene.engine.pool.connection() as connection:
        assert await try_source(connection, NoteTold.source) is None
        with pytest.raises(ConfigurationError) as refused:
            await try_source(connection, source)
    assert str(refused.value).startswith(
        f"GTR_APP: a kind's rows cannot be read with {source.function}: {said}: "
    )


async def test_a_source_whose_table_is_missing_is_told_of(scene: Scene) -> None:
    """The app may lack it: nothing is enqueued then, and other kinds are told all the same."""
    await _make_reader(scene.engine.admin, "perform 1 from public.gone;")
    async with scene.engine.pool.connection() as connection:
        assert await try_source(connection, NoteTold.source) == (
            'garage.read_notes cannot read: relation "public.gone" does not exist'
        )


async def _replace_reader(admin: AsyncConnection) -> None:
    text = READ.format(first="").partition("create function")[2].partition("grant execute")[0]
    await admin.execute(f"create or replace function{text}".encode())
