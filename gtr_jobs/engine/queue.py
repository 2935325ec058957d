"""The statements of the queue: one round trip each, one transaction each."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, assert_never

import orjson
import psycopg
from psycopg import AsyncConnection

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import Accepted, DeadTarget
from gtr_jobs.engine.front import Front
from gtr_jobs.engine.job import Die, Done, HandBack, Job, JobEnd, TryAgain, fingerprint

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
_ACK = "select gtr_jobs.ack_jobs(%s, %s::jsonb, %s::jsonb)"
# Those of texts and e-mails, with what their store keeps.
_ACK_MESSAGES = "select gtr_jobs.ack_messages(%s, %s::jsonb, %s::jsonb)"


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
    def tells_nothing(self) -> bool:
        """Whether there is nothing to write but that the job is done."""
        return not self.deliveries and isinstance(self.end, Done)

    @property
    def tells_of_messages(self) -> bool:
        """Whether it is about texts or e-mails."""
        return any(delivery.channel != "push" for delivery in self.deliveries)


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
        plain: list[Job] = []
        messages: list[Ack] = []
        telling: list[Ack] = []
        for ack in acks:
            if ack.tells_nothing:
                plain.append(ack.job)
            else:
                (messages if ack.tells_of_messages else telling).append(ack)
        written: set[int] = set()
        async with self._pool.connection() as connection:
            # What was sent is the more worth knowing.
            if messages:
                written |= await _ack(connection, _ACK_MESSAGES, worker_id, messages)
            if telling:
                written |= await _ack(connection, _ACK, worker_id, telling)
            if plain:
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


async def _ack_done(
    connection: AsyncConnection, worker_id: int, jobs: Sequence[Job]
) -> frozenset[int]:
    job_ids, claim_numbers = [job.job_id for job in jobs], [job.claim_number for job in jobs]
    cursor = await connection.execute(_ACK_DONE, [worker_id, job_ids, claim_numbers])
    return frozenset([row[0] for row in await cursor.fetchall()])


async def _ack(
    connection: AsyncConnection, statement: str, worker_id: int, acks: Sequence[Ack]
) -> frozenset[int]:
    ends = [_end_record(ack) for ack in acks]
    deliveries = [_delivery_record(ack, delivery) for ack in acks for delivery in ack.deliveries]
    documents = [orjson.dumps(ends).decode(), orjson.dumps(deliveries).decode()]
    cursor = await connection.execute(statement.encode(), [worker_id, *documents])
    return frozenset([row[0] for row in await cursor.fetchall()])


def _end_record(ack: Ack) -> dict[str, object]:
    record: dict[str, object] = {
        "job_id": ack.job.job_id,
        "claim_number": ack.job.claim_number,
        "attempted": True,
        "maybe_sent": False,
    }
    match ack.end:
        case Done():
            record["ended"] = "done"
        case TryAgain(delay=delay, uses_attempt=uses_attempt):
            record |= {"ended": "retry", "delay": delay, "attempted": uses_attempt}
        case HandBack(delay=delay, was_maybe_sent=was_maybe_sent):
            record |= {
                "ended": "release",
                "delay": delay,
                "attempted": False,
                "maybe_sent": was_maybe_sent,
            }
        case Die(code=code, error=error):
            record |= {
                "ended": "dead",
                "code": code,
                "error": error,
                "fingerprint": fingerprint(ack.job, ack.end),
            }
        case _:
            assert_never(ack.end)
    return record


def _delivery_record(ack: Ack, delivery: Delivery) -> dict[str, object]:
    # A job that is dead sends nothing more: what still waited has failed.
    has_failed = isinstance(ack.end, Die) and delivery.state == "queued"
    accepted = delivery.outcome if isinstance(delivery.outcome, Accepted) else None
    record = {
        "job_id": ack.job.job_id,
        "dedupe_key": delivery.dedupe_key,
        "kind": delivery.kind,
        "channel": delivery.channel,
        "provider": delivery.provider,
        "user_id": delivery.user_id,
        "device_id": delivery.device_id,
        "registered_at": delivery.registered_at,
        "state": "failed" if has_failed else delivery.state,
        "outcome": delivery.outcome.name,
        "code": delivery.code,
        "provider_id": accepted and accepted.provider_id,
        "resent": delivery.is_resent,
        "apns_environment": accepted and accepted.apns_environment,
    }
    if delivery.channel != "push":
        cost = accepted and accepted.cost
        gone = delivery.outcome if isinstance(delivery.outcome, DeadTarget) else None
        record |= {
            "attempt_token": delivery.attempt_token and str(delivery.attempt_token),
            "is_attempt": delivery.is_attempt,
            "mark": gone and gone.mark,
            "price": cost and str(cost.amount),
            "currency": cost and cost.currency,
        }
    return record
