"""The push queue and operators' levers: what was claimed already and may not be sent now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Engine, run_engine
from support.jobs import fetch_rows, fetch_value
from support.people import create_conversation, create_device, create_person, send_message
from support.switches import clear_switch, set_switch

from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.sources import Sources
from gtr_jobs.domain.outcome import Accepted, Ambiguous, Outcome
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.switches import RateScope
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.engine.levers import Levers
from gtr_jobs.kinds.new_message import NewMessage
from gtr_jobs.providers.pressure import News, Pressure
from gtr_jobs.tasks.push import PushStore, PushTask

JOBS = """
    select status::text, attempts, lost_claims,
        case when scheduled_at is null then 'ready' when scheduled_at < now() + interval '30 s' then 'soon' else 'later' end
    from gtr_jobs.jobs order by job_id
"""
LEDGER = (
    "select state::text, outcome::text, attempts, resent_after_unknown from gtr_jobs.deliveries"
)
HELD = "select scope, name, count(*) from gtr_jobs.held_jobs group by 1, 2"


class Carrier:
    """A provider that accepts everything, and whose answers can be lost."""

    name = "apns"
    app = "default"
    token_kind: TokenKind = "apns"

    def __init__(self) -> None:
        self.pressure = Pressure(self.name, 1000)
        self.loses_answers = False
        self.taken: list[str] = []

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Take pushes."""
        self.taken += [push.message.body for push in pushes]
        return [Ambiguous("reset") if self.loses_answers else Accepted("a-1") for _ in pushes]

    async def check(self) -> None:
        """Have nothing to check."""

    async def close(self) -> None:
        """Have nothing to close."""


class HastyLevers(Levers):
    """Levers of one who waits for a token shortly."""

    async def take(
        self, scope: RateScope, name: str, count: int = 1, *, within: float = 0.3
    ) -> bool:
        """Wait for tokens, but not long."""
        return await super().take(scope, name, count, within=within)


@dataclass
class Scene:
    """Two people, one of whom has a phone, and a push queue whose batches the test begins itself."""

    engine: Engine
    admin: AsyncConnection
    carrier: Carrier
    task: PushTask
    people: tuple[UUID, UUID, UUID]

    async def write(self, *contents: str) -> None:
        """Write messages."""
        one, other, conversation = self.people
        for content in contents:
            await send_message(self.admin, conversation, one, other, content)

    async def run(self) -> None:
        """Claim what is due as no lane would that knows the switches, and do it as they are now."""
        context = self.engine.context
        jobs = await context.queue.claim_jobs("push", context.membership.worker_id, 100)
        context.metrics.in_flight.labels("push").inc(len(jobs))
        await context.switchboard._read()
        await self.task(jobs, context.acker.put)
        await context.acker.drain()

    async def jobs(self) -> list[tuple[Any, ...]]:
        """Read what is left in the queue, and when it is due."""
        return await fetch_rows(self.admin, JOBS)


@pytest.fixture
async def scene(database: ProjectDatabase) -> AsyncIterator[Scene]:
    """Two people, one of whom has a phone."""
    async with (
        await database.connect_async() as admin,
        run_engine(database, admin) as engine,
    ):
        one = await create_person(admin, "ken", "Ken Block")
        other = await create_person(admin, "sung", "Sung Kang")
        await create_device(admin, other, "ab" * 32)
        context, carrier, pool = engine.context, Carrier(), engine.pool
        task = PushTask(
            kinds=[NewMessage()],
            providers={(carrier.app, carrier.token_kind): carrier},
            store=PushStore(Sources(pool), Devices(pool), Deliveries(pool)),
            scheme="app",
            levers=HastyLevers(
                context.switchboard, context.rates, context.held, context.provider_pauses
            ),
            log=context.log,
            metrics=context.metrics,
        )
        conversation = await create_conversation(admin, one, other)
        yield Scene(engine, admin, carrier, task, (one, other, conversation))


@pytest.mark.parametrize(
    ("scope", "name"),
    [("queue", "push"), ("kind", "message"), ("provider", "apns"), ("channel", "push")],
)
async def test_what_is_paused_after_it_was_claimed_is_not_sent(
    scene: Scene, scope: str, name: str
) -> None:
    """It is handed back without an attempt and without a word in the ledger, and the end of the pause brings it back."""
    await set_switch(scene.admin, "pause", scope, name)
    await scene.write("one", "two")
    await scene.run()
    assert scene.carrier.taken == []
    assert await scene.jobs() == [("todo", 0, 0, "later")] * 2
    assert await fetch_rows(scene.admin, LEDGER) == []
    assert await fetch_rows(scene.admin, HELD) == [(scope, name, 2)]
    await clear_switch(scene.admin, "pause", scope, name)
    await scene.engine.context.held.bring_back()
    assert await scene.jobs() == [("todo", 0, 0, "ready")] * 2
    await scene.run()
    assert sorted(scene.carrier.taken) == ["one", "two"]
    assert await fetch_rows(scene.admin, LEDGER) == [("sent", "accepted", 1, False)] * 2


async def test_what_may_have_been_sent_is_still_known_after_a_pause(scene: Scene) -> None:
    """The ledger's word on it stays, and the second sending is marked."""
    scene.carrier.loses_answers = True
    await scene.write("one")
    await scene.run()
    unknown = [("unknown", "ambiguous", 1, False)]
    assert await fetch_rows(scene.admin, LEDGER) == unknown
    await set_switch(scene.admin, "pause", "provider", "apns")
    await scene.admin.execute(
        "update procrastinate.procrastinate_jobs set scheduled_at = null where status = 'todo'"
    )
    scene.carrier.loses_answers = False
    await scene.run()
    assert await fetch_rows(scene.admin, LEDGER) == unknown
    assert await scene.jobs() == [("todo", 1, 0, "later")]
    await clear_switch(scene.admin, "pause", "provider", "apns")
    await scene.engine.context.held.bring_back()
    await scene.run()
    assert await fetch_rows(scene.admin, LEDGER) == [("sent", "accepted", 2, True)]


async def test_where_a_pause_cannot_be_noted_the_job_comes_back_by_itself(scene: Scene) -> None:
    """Within seconds, and not after the minutes that only a note may bring to an end."""
    await set_switch(scene.admin, "pause", "provider", "apns")
    await scene.admin.execute(
        "alter function gtr_jobs.note_held_jobs(text, text, bigint[], bigint[]) rename to away"
    )
    await scene.admin.execute(
        "create function gtr_jobs.note_held_jobs(text, text, bigint[], bigint[]) returns void"
        " language plpgsql as $$ begin raise sqlstate '57P03'; end $$"
    )
    await scene.admin.execute(
        "grant execute on function gtr_jobs.note_held_jobs(text, text, bigint[], bigint[]) to gtr_worker"
    )
    await scene.write("one")
    await scene.run()
    assert await scene.jobs() == [("todo", 0, 0, "soon")]


async def test_what_gets_no_token_in_time_is_handed_back(scene: Scene) -> None:
    """Without an attempt; as many were sent as there were tokens."""
    await set_switch(scene.admin, "rate", "channel", "push", 0.01)
    await scene.write("one", "two", "three")
    await scene.run()
    assert len(scene.carrier.taken) == 1
    assert await scene.jobs() == [("todo", 0, 0, "soon")] * 2
    assert await fetch_rows(scene.admin, LEDGER) == [("sent", "accepted", 1, False)]
    assert await fetch_rows(scene.admin, HELD) == []


async def test_who_is_not_in_the_ramp_is_told_nothing_and_the_ledger_says_why(
    scene: Scene,
) -> None:
    """The job is done; as a test user the same person is told."""
    await set_switch(scene.admin, "ramp", "kind", "message", 0)
    await scene.write("one")
    await scene.run()
    assert await fetch_rows(scene.admin, "select state::text, code from gtr_jobs.deliveries") == [
        ("skipped", "not_in_ramp")
    ]
    await set_switch(scene.admin, "test_user", "user", str(scene.people[1]))
    await scene.write("two")
    await scene.run()
    assert scene.carrier.taken == ["two"]
    assert await fetch_value(scene.admin, "select count(*) from gtr_jobs.jobs") == 0


async def test_what_a_throttled_account_is_not_asked_waits_for_the_end_of_its_pause(
    scene: Scene,
) -> None:
    """Without an attempt and without a word in the ledger; another worker hears of the pause from the database."""
    scene.carrier.pressure.listener(News("throttled", 60.0, "429"))
    scene.carrier.pressure.pause(60.0)
    await scene.write("one", "two")
    await scene.run()
    assert scene.carrier.taken == []
    assert await scene.jobs() == [("todo", 0, 0, "later")] * 2
    assert await fetch_rows(scene.admin, LEDGER) == []
    assert await fetch_rows(scene.admin, HELD) == [("provider", "apns", 2)]
    heard: list[Mapping[tuple[str, str], float]] = []
    board = scene.engine.context.switchboard
    board.provider_listeners.append(heard.append)
    await board._read()
    assert heard[-1] == {("apns", "throttled"): pytest.approx(60, abs=20)}
    await scene.admin.execute("update gtr_jobs.provider_pauses set paused_until = now()")
    await scene.engine.context.held.bring_back()
    assert await scene.jobs() == [("todo", 0, 0, "ready")] * 2


async def test_what_another_workers_circuit_holds_comes_back_when_that_closes(scene: Scene) -> None:
    """All of it: this worker has no probe to keep a job for."""
    await scene.admin.execute("select gtr_jobs.pause_provider('apns', 'failing', 40, 10)")
    await scene.write("one", "two")
    await scene.run()
    assert scene.carrier.taken == []
    assert await fetch_rows(scene.admin, HELD) == [("provider", "apns", 2)]
    await scene.admin.execute("select gtr_jobs.resume_provider('apns')")
    await scene.engine.context.held.bring_back()
    assert await scene.jobs() == [("todo", 0, 0, "ready")] * 2
