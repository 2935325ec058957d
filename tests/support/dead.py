"""Dead jobs for a test: some that really died, and many that only look so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from support.jobs import (
    Claimed,
    ack,
    claim,
    delivery_of,
    end_of,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)

NOTE = (UUID("11111111-1111-4111-8111-111111111111"), "ann@desk", "keys were renewed", "{}")


@dataclass(frozen=True, slots=True)
class Died:
    """A job that died, and the deliveries that it left, by what came of them."""

    job: Claimed
    deliveries: dict[str, UUID]


async def let_die(
    admin: AsyncConnection,
    worker: AsyncConnection,
    *outcomes: tuple[str, str],
    kind: str = "message",
    **end: object,
) -> Died:
    """Enqueue a job, claim it and let it die with one delivery for every state and outcome given."""
    await put_jobs(admin, kind=kind)
    worker_id = await register_worker(worker)
    (job,) = await claim(worker, worker_id)
    keys = {f"{state} {outcome}": uuid4() for state, outcome in outcomes}
    deliveries = [
        delivery_of(job, dedupe_key=keys[f"{state} {outcome}"], state=state, outcome=outcome)
        for state, outcome in outcomes
    ]
    await ack(worker, worker_id, end_of(job, "dead", **end), deliveries=deliveries)
    return Died(job, keys)


async def bury(
    admin: AsyncConnection,
    count: int = 1,
    *,
    kind: str = "message",
    code: str = "UNAVAILABLE",
    error: str = "fcm failed in every attempt",
    fingerprint: str = "f00d",
    minutes_ago: int = 0,
    age: str = "0",
) -> list[int]:
    """Write dead jobs, the first the oldest by a millisecond each; give their ids."""
    rows = await fetch_rows(
        admin,
        """
        insert into gtr_jobs.dead_jobs (
            job_id, queue, kind, args, attempts, code, error, fingerprint, trace_id, event_day, enqueued_at, died_at
        )
        select
            nextval('procrastinate.procrastinate_jobs_id_seq'), 'push', %s,
            jsonb_build_object('id', gen_random_uuid()), 8, %s, %s, %s, 'trace',
            (now() at time zone 'utc')::date, now() - %s::interval,
            now() - make_interval(mins => %s) - make_interval(secs => (%s - n) / 1000.0)
        from generate_series(1, %s) as n
        returning job_id
        """,
        kind,
        code,
        error,
        fingerprint,
        age,
        minutes_ago,
        count,
        count,
    )
    return [int(row[0]) for row in rows]


async def requeue(
    connection: AsyncConnection, job_ids: list[int], delay: float = 0, rate: float = 100
) -> tuple[int, int]:
    """Requeue dead jobs as an operator; give how many jobs and deliveries it were."""
    ((jobs, deliveries),) = await fetch_rows(
        connection,
        "select * from gtr_jobs.requeue_dead_jobs(%s::bigint[], %s, %s, %s, %s, %s, %s::jsonb)",
        job_ids,
        delay,
        rate,
        *NOTE,
    )
    return jobs, deliveries


async def discard(connection: AsyncConnection, job_ids: list[int]) -> int:
    """Discard dead jobs as an operator; give how many it were."""
    return int(
        await fetch_value(
            connection,
            "select gtr_jobs.discard_dead_jobs(%s::bigint[], %s, %s, %s, %s::jsonb)",
            job_ids,
            *NOTE,
        )
    )


async def read_states(connection: AsyncConnection, died: Died) -> dict[str, tuple[str, str, str]]:
    """Read state, outcome and code of a job's deliveries, by what they were when it died."""
    rows = await fetch_rows(
        connection,
        "select dedupe_key, state::text, outcome::text, code from gtr_jobs.deliveries"
        " where job_id = %s",
        died.job.job_id,
    )
    names = {key: name for name, key in died.deliveries.items()}
    return {names[key]: (state, outcome, code) for key, state, outcome, code in rows}


async def read_audit(connection: AsyncConnection) -> list[tuple[object, ...]]:
    """Read who did what, why and to how many, with the jobs."""
    return [
        (*row[:-1], json.loads(row[-1]) if isinstance(row[-1], str) else row[-1])
        for row in await fetch_rows(
            connection,
            "select actor, database_role, action, reason, job_count, job_ids from gtr_jobs.audit"
            " order by id",
        )
    ]
