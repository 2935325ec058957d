"""The statements of the queue: one round trip each, one transaction each."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
import psycopg
from psycopg import AsyncConnection

from gtr_jobs.db.arrays import array_of
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import Accepted
from gtr_jobs.engine.ack_documents import delivery_record, end_record
from gtr_jobs.engine.front import Front
from gtr_jobs.engine.job import Done, Job, JobEnd

_COLUMNS = """
    job_id, kind, args::text, attempts, max_attempts, claim_number, lost_claims, event_day, trace_id, age_seconds,
    waited_seconds
"""
_CLAIM = f"""
    select priority, due_at, {_COLUMNS}
    from gtr_jobs.claim_jobs_after(%s, %s, %s, %s::integer[], %s::bigint[], %s::timestamptz)
"""  # noqa: S608  (names of our own)
# Where operators limit or pause something in the queue.
_CLAIM_LIMITED = f"select {_COLUMNS} from gtr_jobs.claim_limited(%s, %s, %s)"  # noqa: S608
_ACK_DONE = "select gtr_jobs.ack_done_jobs(%s, %s::bigint[], %s::bigint[])"
_ACK_ACCEPTED = """
    select gtr_jobs.ack_accepted_pushes(
        %s, %s::bigint[], %s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::boolean[]
    )
"""
_ACK = "select gtr_jobs.ack_jobs(%s, %s::jsonb, %s::jsonb)"
# Those of texts and e-mails, with what their store keeps.
_ACK_MESSAGES = "select gtr_jobs.ack_messages(%s, %s::jsonb, %s::jsonb)"

# What an ack tells of, and so which statement writes it:
#     messages   texts or e-mails
#     anything   what is none of the other sorts
#     accepted   that the job is done, and all its pushes were taken, by providers that send no receipts
#     nothing    that the job is done
AckSort = Literal["messages", "anything", "accepted", "nothing"]
_WITHOUT_RECEIPTS = frozenset({"fcm", "apns"})


class Ack(NamedTuple):
    """What came of one claimed job.

    Args:
        job: The claim.
        end: How the job leaves the worker.
        deliveries: What was attempted for it; written with the end or not at all.
    """

    job: Job
    end: JobEnd
    deliveries: Sequence[Delivery] = ()

    @property
    def sort(self) -> AckSort:
        """What it tells of."""
        is_plain = isinstance(self.end, Done)
        if is_plain and not self.deliveries:
            return "nothing"
        for delivery in self.deliveries:
            if delivery.channel != "push":
                return "messages"
            is_plain = is_plain and _is_accepted(delivery, self.job.kind)
        return "accepted" if is_plain and self.deliveries else "anything"


@dataclass(frozen=True, slots=True)
class Rescued:
    """Jobs of dead workers that were given back, and those that took three workers with them."""

    given_back: int
    quarantined: int


class Queue:
    """The queue, as one worker process sees it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._fronts: defaultdict[str, Front] = defaultdict(Front)

    async def register_worker(self) -> int:
        """Take a place on the register of living workers; give its number."""
        return int(await self._value("select gtr_jobs.register_worker()"))

    async def unregister_worker(self, worker_id: int) -> None:
        """Leave the register."""
        await self._value("select gtr_jobs.unregister_worker(%s)", worker_id)

    async def beat_heart(self, worker_id: int) -> bool:
        """Say that the worker lives; False where it was given up for dead."""
        return bool(await self._value("select gtr_jobs.beat_heart(%s)", worker_id))

    async def rescue_jobs(self, silence_seconds: float, limit: int) -> Rescued:
        """Give back jobs whose worker is gone or has been silent for so long."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select runs_again from gtr_jobs.rescue_jobs(make_interval(secs => %s), %s)",
                [silence_seconds, limit],
            )
            fates = [bool(row[0]) for row in await cursor.fetchall()]
        return Rescued(given_back=fates.count(True), quarantined=fates.count(False))

    async def look(self, check: Callable[[psycopg.AsyncConnection[Any]], Awaitable[None]]) -> None:
        """Lend a connection to who looks at it."""
        async with self._pool.connection() as connection:
            await check(connection)

    async def fall_asleep(self, queue: str, worker_id: int) -> None:
        """Ask to be notified of the next insert into a queue."""
        await self._value("select gtr_jobs.fall_asleep(%s, %s)", queue, worker_id)

    async def stay_awake(self, queue: str, worker_id: int) -> None:
        """Ask not to be notified any more."""
        await self._value("select gtr_jobs.stay_awake(%s, %s)", queue, worker_id)

    async def claim_jobs(self, queue: str, worker_id: int, limit: int) -> list[Job]:
        """Claim at most so many due jobs."""
        front = self._fronts[queue]
        start = front.begin()
        ready = start and start.ready
        behind = (list(ready), list(ready.values())) if ready else (None, None)
        rows = await self._rows(_CLAIM, queue, worker_id, limit, *behind, start and start.due)
        front.end(rows)
        claimed_at = time.monotonic()
        return [_job(queue, row[2:], claimed_at) for row in rows]

    async def claim_limited(self, queue: str, worker_id: int, limit: int) -> list[Job]:
        """Claim at most so many due jobs, none of a paused kind, and no more than limits allow."""
        rows = await self._rows(_CLAIM_LIMITED, queue, worker_id, limit)
        claimed_at = time.monotonic()
        return [_job(queue, row, claimed_at) for row in rows]

    async def release_unknown_jobs(
        self, queue: str, worker_id: int, known: Collection[tuple[int, int]]
    ) -> int:
        """Give back what the worker claimed and is not among the claims that it knows."""
        job_ids, claim_numbers = [job for job, _ in known], [number for _, number in known]
        return int(
            await self._value(
                "select gtr_jobs.release_unknown_jobs(%s, %s, %s::bigint[], %s::bigint[])",
                queue,
                worker_id,
                job_ids,
                claim_numbers,
            )
        )

    async def ack_jobs(self, worker_id: int, acks: Sequence[Ack]) -> frozenset[int]:
        """Write ends and deliveries, those of one job in one transaction.

        Returns:
            The jobs that were still this worker's; of the others nothing was written.
        """
        sorted_acks: defaultdict[AckSort, list[Ack]] = defaultdict(list)
        for ack in acks:
            sorted_acks[ack.sort].append(ack)
        written: set[int] = set()
        async with self._pool.connection() as connection:
            # What was sent is the more worth knowing.
            if messages := sorted_acks["messages"]:
                written |= await _ack(connection, _ACK_MESSAGES, worker_id, messages)
            if telling := sorted_acks["anything"]:
                written |= await _ack(connection, _ACK, worker_id, telling)
            if accepted := sorted_acks["accepted"]:
                written |= await _ack_accepted(connection, worker_id, accepted)
            if plain := sorted_acks["nothing"]:
                written |= await _ack_done(connection, worker_id, plain)
        return frozenset(written)

    async def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall()

    async def _value(self, query: str, *parameters: object) -> Any:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            row = await cursor.fetchone()
        return row[0] if row else None


def _job(queue: str, row: tuple[Any, ...], claimed_at: float) -> Job:
    job_id, kind, args, *rest = row
    return Job._make((job_id, queue, kind, orjson.loads(args), *rest, claimed_at))


def _is_accepted(delivery: Delivery, kind: str) -> bool:
    """Whether nothing is to be told of a push but who took it, and under which name."""
    return (
        isinstance(delivery.outcome, Accepted)
        and delivery.outcome.apns_environment is None
        and delivery.provider in _WITHOUT_RECEIPTS
        and delivery.kind == kind
    )


async def _ack_done(
    connection: AsyncConnection, worker_id: int, acks: Sequence[Ack]
) -> frozenset[int]:
    claims = zip(*[ack.job.claim for ack in acks], strict=True)
    return await _ids(connection, _ACK_DONE, worker_id, *map(array_of, claims))


async def _ack_accepted(
    connection: AsyncConnection, worker_id: int, acks: Sequence[Ack]
) -> frozenset[int]:
    deliveries = [
        (
            job.job_id,
            job.claim_number,
            delivery.dedupe_key,
            delivery.user_id,
            delivery.device_id,
            delivery.provider,
            delivery.outcome.provider_id,
            delivery.is_resent,
        )
        for job, _, its in acks
        for delivery in its
        # As all of this sort are.
        if isinstance(delivery.outcome, Accepted)
    ]
    columns = zip(*deliveries, strict=True)
    return await _ids(connection, _ACK_ACCEPTED, worker_id, *map(array_of, columns))


async def _ack(
    connection: AsyncConnection, statement: str, worker_id: int, acks: Sequence[Ack]
) -> frozenset[int]:
    ends = [end_record(job, end) for job, end, _ in acks]
    deliveries = [delivery_record(job, end, one) for job, end, its in acks for one in its]
    documents = [orjson.dumps(ends).decode(), orjson.dumps(deliveries).decode()]
    return await _ids(connection, statement, worker_id, *documents)


async def _ids(connection: AsyncConnection, statement: str, *parameters: object) -> frozenset[int]:
    cursor = await connection.execute(statement.encode(), parameters)
    return frozenset([row[0] for row in await cursor.fetchall()])
