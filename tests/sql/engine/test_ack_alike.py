"""Whichever statement ends jobs whose pushes were taken, it writes the same rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.accepted import Push, ack_accepted
from support.jobs import (
    Claimed,
    ack,
    claim,
    delivery_of,
    end_of,
    fetch_rows,
    put_jobs,
    register_worker,
)

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


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


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
        for write in (_ack_by_documents, ack_accepted):
            async with admin.transaction(force_rollback=True):
                answer = await write(admin, worker_id, *scene.pushes)
                written.append((answer, await scene.tables()))
            assert await scene.tables() == before
    (documents, tables), (arrays, same_tables) = written
    assert 0 < len(documents) < 60
    assert (arrays, same_tables) == (documents, tables)
    assert {row["ended"] for row in tables["gtr_jobs.job_history"]} == {"done"}
