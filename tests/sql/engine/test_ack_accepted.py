"""gtr_jobs.ack_accepted_pushes(): jobs whose pushes were all taken, by the law of gtr_jobs.ack_jobs()."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.jobs import (
    Claimed,
    ack,
    claim,
    count_jobs,
    delivery_of,
    end_of,
    fall_silent,
    fetch_rows,
    put_jobs,
    register_worker,
)

ACK = """
    select gtr_jobs.ack_accepted_pushes(
        %s, %s::bigint[], %s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::boolean[]
    )
"""
TABLES = (
    "gtr_jobs.deliveries",
    "gtr_jobs.job_history",
    "gtr_jobs.dead_jobs",
    "gtr_jobs.devices",
    "gtr_jobs.expo_tickets",
    "procrastinate.procrastinate_jobs",
)
STATES = (
    "queued", "sending", "sent", "delivered", "undelivered", "failed", "skipped", "expired", "unknown",
)  # fmt: skip
COUNTS = (
    "select (select count(*) from gtr_jobs.deliveries), (select count(*) from gtr_jobs.job_history)"
)


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


@dataclass(frozen=True)
class Push:
    """What a worker says of a push that was taken."""

    job: Claimed
    dedupe_key: UUID
    user_id: UUID | None = None
    device_id: UUID | None = None
    provider: str = "fcm"
    provider_id: str = "a-1"
    resent: bool = False


def _parameters(worker_id: int | None, pushes: Sequence[Push]) -> list[object]:
    names = ("dedupe_key", "user_id", "device_id", "provider", "provider_id", "resent")
    return [
        worker_id,
        [push.job.job_id for push in pushes],
        [push.job.claim_number for push in pushes],
        *([getattr(push, name) for push in pushes] for name in names),
    ]


async def _ack_accepted(
    connection: AsyncConnection, worker_id: int | None, *pushes: Push
) -> list[int]:
    rows = await fetch_rows(connection, ACK, *_parameters(worker_id, pushes))
    return sorted(int(row[0]) for row in rows)


async def _ack_by_documents(
    connection: AsyncConnection, worker_id: int, *pushes: Push
) -> list[int]:
    jobs = {push.job.job_id: push.job for push in pushes}
    deliveries = [
        delivery_of(
            push.job,
            dedupe_key=push.dedupe_key,
            user_id=push.user_id,
            device_id=push.device_id,
            provider=push.provider,
            provider_id=push.provider_id,
            resent=push.resent,
        )
        for push in pushes
    ]
    return sorted(
        await ack(connection, worker_id, *map(end_of, jobs.values()), deliveries=deliveries)
    )


@dataclass
class Scene:
    """Jobs in every condition that an ack can find them in, and what a worker says of them."""

    admin: AsyncConnection
    worker_id: int
    chance: random.Random
    pushes: list[Push] = field(default_factory=list)

    async def set(self) -> None:
        """Claim jobs, change some behind the worker's back, and fill the ledger with what is known before."""
        await put_jobs(self.admin, 60)
        await self.admin.execute(
            """
            update procrastinate.procrastinate_jobs
            set event_day = event_day - (id % 3)::integer, attempts = id % 4, queue_name = 'push',
                task_name = case id % 2 when 0 then 'message' else 'new_follower' end
            """
        )
        jobs = await claim(self.admin, self.worker_id)
        keys = [self._id() for _ in range(70)]
        for job in jobs:
            for key in self.chance.sample(keys, self.chance.randint(1, 3)):
                self.pushes.append(self._push(job, key))
        for key in self.chance.sample(keys, 35):
            await self._know(self.chance.choice(jobs), key)
        for job in self.chance.sample(jobs, 20):
            await self._take_away(job)
        self.chance.shuffle(self.pushes)

    async def tables(self) -> dict[str, list[Any]]:
        """Read every table that an ack may write, whole."""
        return {
            name: [
                row[0]
                for row in await fetch_rows(
                    self.admin,
                    f"select to_jsonb(t) as r from {name} as t order by to_jsonb(t)::text",
                )
            ]
            for name in TABLES
        }

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def _push(self, job: Claimed, key: UUID) -> Push:
        return Push(
            job,
            key,
            self.chance.choice([None, self._id()]),
            self.chance.choice([None, self._id()]),
            self.chance.choice(["fcm", "apns"]),
            self.chance.choice(["", "projects/p/messages/1", 'a"b\\c,{d}\nNULL', "null"]),
            self.chance.random() < 0.3,
        )

    async def _know(self, job: Claimed, key: UUID) -> None:
        await self.admin.execute(
            """
            insert into gtr_jobs.deliveries (
                day, dedupe_key, kind, channel, provider, state, outcome, code, attempts,
                resent_after_unknown, job_id, trace_id, created_at, updated_at
            )
            values (%s, %s, 'message', 'push', 'expo', %s, 'retry', '503', %s, %s, 1, 't', %s, %s)
            """,
            (
                job.event_day, key, self.chance.choice(STATES), self.chance.randint(1, 3),
                self.chance.random() < 0.5, "2026-01-01", "2026-01-01",
            ),
        )  # fmt: skip

    async def _take_away(self, job: Claimed) -> None:
        change = self.chance.choice(
            [
                "update procrastinate.procrastinate_jobs set claim_number = 2",
                "update procrastinate.procrastinate_jobs set worker_id = null",
                "update procrastinate.procrastinate_jobs set status = 'todo', worker_id = null",
                "delete from procrastinate.procrastinate_jobs",
            ]
        )
        await self.admin.execute(f"{change} where id = %s".encode(), (job.job_id,))


@pytest.mark.parametrize("seed", range(8))
async def test_it_writes_what_the_documents_would_write(
    admin: AsyncConnection, worker_id: int, seed: int
) -> None:
    """The same rows in every table, and the same answer, whatever the jobs and the ledger are like."""
    scene = Scene(admin, worker_id, random.Random(seed))
    written = []
    # In one transaction, whose clock stands still.
    async with admin.transaction(force_rollback=True):
        await scene.set()
        before = await scene.tables()
        for write in (_ack_by_documents, _ack_accepted):
            async with admin.transaction(force_rollback=True):
                answer = await write(admin, worker_id, *scene.pushes)
                written.append((answer, await scene.tables()))
            assert await scene.tables() == before
    (documents, tables), (arrays, other_tables) = written
    assert 0 < len(documents) < 60
    assert (arrays, other_tables) == (documents, tables)
    assert {row["ended"] for row in tables["gtr_jobs.job_history"]} == {"done"}


async def _claim_one(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> Push:
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    return Push(job, UUID(int=1), UUID(int=2), UUID(int=3))


async def test_a_push_and_the_end_of_its_job_are_kept_whole(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The delivery as accepted, the job as done, both under the day of its event; the queue is empty."""
    push = await _claim_one(admin, worker, worker_id)
    job = push.job
    assert await _ack_accepted(worker, worker_id, push) == [job.job_id]
    assert await count_jobs(admin) == 0
    assert await fetch_rows(
        admin,
        """
        select day, dedupe_key, kind, channel, provider, user_id, device_id, state::text,
            outcome::text, code, provider_id, attempts, resent_after_unknown, job_id, trace_id
        from gtr_jobs.deliveries
        """,
    ) == [
        (
            job.event_day, UUID(int=1), "message", "push", "fcm", UUID(int=2), UUID(int=3), "sent",
            "accepted", "", "a-1", 1, False, job.job_id, job.trace_id,
        )
    ]  # fmt: skip
    assert await fetch_rows(
        admin,
        "select day, job_id, queue, kind, ended::text, attempts, trace_id from gtr_jobs.job_history",
    ) == [(job.event_day, job.job_id, "push", "message", "done", 1, job.trace_id)]


async def test_what_is_no_longer_the_claims_is_not_written(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """An older or invented number, another worker's name, a job that never was: neither end nor delivery."""
    push = await _claim_one(admin, worker, worker_id)
    job = push.job
    other_id = await register_worker(worker)
    for holder, claimed in (
        (worker_id, replace(job, claim_number=job.claim_number - 1)),
        (worker_id, replace(job, claim_number=job.claim_number + 1)),
        (worker_id, replace(job, job_id=job.job_id + 1)),
        (other_id, job),
        (None, job),
    ):
        assert await _ack_accepted(worker, holder, replace(push, job=claimed)) == []
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await count_jobs(admin) == 1


async def test_a_lost_claim_among_many_keeps_the_others_from_nothing(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """And an ack that is sent again, because nobody knows whether it was written, does nothing."""
    await put_jobs(admin, 3)
    one, lost, other = await claim(worker, worker_id)
    pushes = [
        Push(job, UUID(int=number))
        for number, job in enumerate([one, replace(lost, claim_number=99), other, one])
    ]
    assert await _ack_accepted(worker, worker_id, *pushes) == [one.job_id, other.job_id]
    assert await _ack_accepted(worker, worker_id, *pushes) == []
    assert await fetch_rows(
        admin, "select job_id, attempts from gtr_jobs.deliveries order by job_id, dedupe_key"
    ) == [(one.job_id, 1), (one.job_id, 1), (other.job_id, 1)]
    assert await fetch_rows(admin, "select job_id, status::text from gtr_jobs.jobs") == [
        (lost.job_id, "doing")
    ]


async def test_what_a_worker_brings_after_its_job_was_rescued_is_refused(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It was silent and comes back: the job is another's now, also where it is the same worker's again."""
    late = await _claim_one(admin, worker, worker_id)
    await fall_silent(admin, worker_id)
    await worker.execute("select gtr_jobs.rescue_jobs('30s', 10)")
    assert await _ack_accepted(worker, worker_id, late) == []
    new_id = await register_worker(worker)
    (again,) = await claim(worker, new_id)
    assert await _ack_accepted(worker, new_id, late) == []
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await _ack_accepted(worker, new_id, replace(late, job=again)) == [again.job_id]


async def test_end_and_deliveries_are_written_together_or_not_at_all(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A delivery that cannot be written leaves the job where it was."""
    push = await _claim_one(admin, worker, worker_id)
    nameless: Any = None
    with pytest.raises(psycopg.errors.NotNullViolation):
        await _ack_accepted(worker, worker_id, replace(push, dedupe_key=nameless))
    assert await fetch_rows(admin, COUNTS) == [(0, 0)]
    assert await fetch_rows(admin, "select status::text from gtr_jobs.jobs") == [("doing",)]
