"""The push queue with what no stand-in can show: kinds and providers that have faults of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Engine, run_engine
from support.jobs import fetch_rows
from support.people import create_conversation, create_device, create_person, send_message

from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.sources import Sources
from gtr_jobs.domain.delivery import make_dedupe_key
from gtr_jobs.domain.outcome import Accepted, Outcome
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.sources import ChatMessage
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.kinds.base import Notice
from gtr_jobs.kinds.new_message import NewMessage
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.tasks.push import PushStore, PushTask

CANARY = "canary-7f3a"
DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"


class Carrier:
    """A provider that accepts everything, and where a text tells it to, fails or forgets to answer."""

    name = "apns"
    app = "default"
    token_kind: TokenKind = "apns"

    def __init__(self) -> None:
        self.pressure = Pressure(self.name, 1000)
        self.faults = {"fail", "forget"}
        self.taken: list[str] = []

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Take pushes."""
        texts = {push.message.body for push in pushes}
        self.taken += sorted(texts)
        await asyncio.sleep(0)
        if "fail" in texts & self.faults:
            raise ValueError(CANARY)
        return [] if "forget" in texts & self.faults else [Accepted("a-1") for _ in pushes]

    async def check(self) -> None:
        """Have nothing to check."""

    async def close(self) -> None:
        """Have nothing to close."""


class FaultyMessage(NewMessage):
    """A kind that cannot word every row."""

    def tell(self, row: ChatMessage) -> Notice:
        """Word the notice, or fail over it."""
        if row.content == "unspeakable":
            raise ValueError(CANARY)
        return super().tell(row)


@dataclass
class Scene:
    """Two people, one of whom has a phone, and a worker that sends to it."""

    engine: Engine
    carrier: Carrier
    people: tuple[UUID, UUID, UUID]
    device: UUID
    keys: dict[UUID, str] = field(default_factory=dict)

    async def write(self, *contents: str) -> None:
        """Write messages in one transaction, so that they are claimed together."""
        one, other, conversation = self.people
        async with self.engine.admin.transaction():
            for content in contents:
                row = await send_message(self.engine.admin, conversation, one, other, content)
                self.keys[make_dedupe_key("message", row, self.device)] = content

    async def deliveries(self) -> dict[str, tuple[Any, ...]]:
        """Read what came of each message: state, code, attempts, whether it was sent again."""
        rows = await fetch_rows(
            self.engine.admin,
            "select dedupe_key, state::text, code, attempts, resent_after_unknown from gtr_jobs.deliveries",
        )
        return {self.keys[key]: tuple(more) for key, *more in rows}


@pytest.fixture
async def scene(database: ProjectDatabase) -> AsyncIterator[Scene]:
    """Two people, one of whom has a phone, and a worker that sends to it."""
    async with (
        await database.connect_async() as admin,
        run_engine(database, admin) as engine,
    ):
        one = await create_person(admin, "ken", "Ken Block")
        other = await create_person(admin, "sung", "Sung Kang")
        device = await create_device(admin, other, "ab" * 32)
        carrier = Carrier()
        pool = engine.pool
        task = PushTask(
            kinds=[FaultyMessage()],
            providers={(carrier.app, carrier.token_kind): carrier},
            store=PushStore(Sources(pool), Devices(pool), Deliveries(pool)),
            scheme="app",
            levers=engine.context.levers(),
            log=engine.context.log,
            metrics=engine.context.metrics,
        )
        conversation = await create_conversation(admin, one, other)
        scene = Scene(engine, carrier, (one, other, conversation), device)
        await scene.write("first")
        engine.start_lane(task)
        await engine.until(DONE, 1)
        yield scene


async def _run_again(admin: AsyncConnection) -> None:
    await admin.execute(
        "update procrastinate.procrastinate_jobs set scheduled_at = null where status = 'todo'"
    )


async def test_a_row_that_cannot_be_worded_keeps_no_other_from_being_sent(scene: Scene) -> None:
    """Its job is tried again by itself; the log names the place and not the text."""
    await scene.write("fine", "unspeakable", "also fine")
    await scene.engine.until(DONE, 3)
    await scene.engine.until("select max(attempts) from gtr_jobs.jobs", 1)
    assert {text: state for text, (state, *_) in (await scene.deliveries()).items()} == {
        "first": "sent",
        "fine": "sent",
        "also fine": "sent",
    }
    (fault,) = scene.engine.events("jobs.handler_failed")
    assert (fault["error"], fault["jobs"]) == ("ValueError", 1)
    assert CANARY not in str(scene.engine.log.entries)


@pytest.mark.parametrize("fault", ["fail", "forget"])
async def test_a_provider_with_a_fault_leaves_its_pushes_in_doubt(scene: Scene, fault: str) -> None:
    """Nobody knows what it sent: they are sent again, and the ledger says so."""
    await scene.write(fault)
    await scene.engine.until("select max(attempts) from gtr_jobs.jobs", 1)
    assert (await scene.deliveries())[fault] == ("unknown", "provider_fault", 1, False)
    assert CANARY not in str(scene.engine.log.entries)
    scene.carrier.faults.clear()
    await _run_again(scene.engine.admin)
    await scene.engine.until(DONE, 2)
    assert (await scene.deliveries())[fault] == ("sent", "", 2, True)


async def test_a_fault_in_one_call_loses_nothing_of_what_others_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls for one batch run side by side: what one accepted is written, whatever another did."""
    monkeypatch.setattr("gtr_jobs.tasks.push.PUSHES_A_CALL", 1)
    await scene.write("fail", "fine", "also fine")
    await scene.engine.until(DONE, 3)
    await scene.engine.until("select max(attempts) from gtr_jobs.jobs", 1)
    assert {text: state for text, (state, *_) in (await scene.deliveries()).items()} == {
        "first": "sent",
        "fail": "unknown",
        "fine": "sent",
        "also fine": "sent",
    }
    assert sorted(scene.carrier.taken) == ["also fine", "fail", "fine", "first"]


async def test_a_worker_that_was_cut_off_sends_nothing_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it sent before is written; the rest goes back as it was, and uses no attempt."""
    monkeypatch.setattr("gtr_jobs.tasks.push.PUSHES_A_CALL", 1)
    monkeypatch.setattr(
        "gtr_jobs.tasks.push.may_send_now", lambda: "fine" not in scene.carrier.taken
    )
    await scene.write("fine", "later", "later still")
    await scene.engine.until(DONE, 2)
    await scene.engine.context.acker.drain()
    assert scene.carrier.taken == ["first", "fine"]
    assert (
        await fetch_rows(
            scene.engine.admin, "select status::text, attempts, lost_claims from gtr_jobs.jobs"
        )
        == [("todo", 0, 0)] * 2
    )
    monkeypatch.undo()
    await _run_again(scene.engine.admin)
    await scene.engine.until(DONE, 4)
    assert {
        text: state for text, (state, *_) in (await scene.deliveries()).items()
    } == dict.fromkeys(["first", "fine", "later", "later still"], "sent")
