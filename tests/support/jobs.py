"""The queue as SQL shows it: put jobs in, claim them, say what came of them, look at what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import AsyncConnection

REGISTERED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What gtr_jobs.claim_jobs() gave."""

    job_id: int
    kind: str
    args: dict[str, Any]
    attempts: int
    max_attempts: int
    claim_number: int
    lost_claims: int
    event_day: date
    trace_id: str


async def fetch_value(connection: AsyncConnection, query: str, *parameters: object) -> Any:
    """Run a query that gives one value, and return it."""
    cursor = await connection.execute(query.encode(), parameters)
    row = await cursor.fetchone()
    return row[0] if row else None


async def fetch_rows(
    connection: AsyncConnection, query: str, *parameters: object
) -> list[tuple[Any, ...]]:
    """Run a query and return its rows."""
    cursor = await connection.execute(query.encode(), parameters)
    return await cursor.fetchall()


async def put_jobs(
    connection: AsyncConnection,
    count: int = 1,
    *,
    kind: str = "message",
    run_at: datetime | None = None,
) -> list[UUID]:
    """Enqueue jobs in one statement, each about a row of its own; return the ids of those rows."""
    rows = [uuid4() for _ in range(count)]
    await connection.execute(
        """
        select gtr_jobs.enqueue(array(
            select gtr_jobs.job(%s, jsonb_build_object('id', r), r::text, %s)
            from unnest(%s::uuid[]) with ordinality as rows (r, n)
            order by n
        ))
        """,
        (kind, run_at, rows),
    )
    return rows


async def register_worker(connection: AsyncConnection) -> int:
    """Take a place on the register of workers."""
    return int(await fetch_value(connection, "select gtr_jobs.register_worker()"))


async def claim(
    connection: AsyncConnection, worker_id: int, limit: int | None = 100, queue: str = "push"
) -> list[Claimed]:
    """Claim jobs as a worker does."""
    rows = await fetch_rows(
        connection,
        """
        select job_id, kind, args, attempts, max_attempts, claim_number, lost_claims, event_day, trace_id
        from gtr_jobs.claim_jobs(%s, %s, %s)
        """,
        queue,
        worker_id,
        limit,
    )
    return [Claimed(*row) for row in rows]


def end_of(
    job: Claimed,
    ended: Literal["done", "retry", "release", "dead"] = "done",
    **more: object,
) -> dict[str, object]:
    """Write down how a job ended, as the worker does."""
    record: dict[str, object] = {
        "job_id": job.job_id,
        "claim_number": job.claim_number,
        "ended": ended,
        "attempted": ended != "release",
        "maybe_sent": False,
    }
    if ended == "dead":
        record |= {"code": "BadTopic", "error": "refused", "fingerprint": "f00d"}
    return record | more


def delivery_of(job: Claimed, **more: object) -> dict[str, object]:
    """Write down a delivery, as the worker does: accepted, unless something else is said."""
    values = {
        "job_id": job.job_id,
        "dedupe_key": uuid4(),
        "kind": job.kind,
        "channel": "push",
        "provider": "apns",
        "user_id": uuid4(),
        "device_id": uuid4(),
        "registered_at": REGISTERED_AT,
        "state": "sent",
        "outcome": "accepted",
        "code": "",
        "provider_id": "a-1",
        "resent": False,
    } | more
    return {name: _as_json(value) for name, value in values.items()}


async def ack(
    connection: AsyncConnection,
    worker_id: int | None,
    *ends: Mapping[str, object],
    deliveries: list[dict[str, object]] | None = None,
) -> set[int]:
    """Say what came of jobs; return those that were still this worker's."""
    rows = await fetch_rows(
        connection,
        "select gtr_jobs.ack_jobs(%s, %s::jsonb, %s::jsonb)",
        worker_id,
        json.dumps(ends),
        json.dumps(deliveries or []),
    )
    return {int(row[0]) for row in rows}


async def count_jobs(connection: AsyncConnection) -> int:
    """Count what waits or is being done, as postgres."""
    return int(await fetch_value(connection, "select count(*) from gtr_jobs.jobs"))


async def fall_silent(connection: AsyncConnection, worker_id: int, seconds: float = 3600) -> None:
    """Make a worker's last heartbeat so old, as postgres."""
    await connection.execute(
        "update procrastinate.procrastinate_workers"
        " set last_heartbeat = now() - make_interval(secs => %s) where id = %s",
        (seconds, worker_id),
    )


def _as_json(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return value


async def read_deliveries(connection: AsyncConnection) -> list[tuple[Any, ...]]:
    """Read the ledger, all of each delivery but its times."""
    return await fetch_rows(
        connection,
        """
        select day, dedupe_key, kind, channel, provider, user_id, device_id, state::text,
            outcome::text, code, provider_id, attempts, resent_after_unknown, job_id, trace_id
        from gtr_jobs.deliveries
        """,
    )
