"""Whether a queue is as fast behind millions of jobs that are not its own, not yet due, or long done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import psycopg

from gtr_jobs.dev.bench.drain import rate_of, wait_until_drained
from gtr_jobs.dev.bench.jobs import LANE, OTHER
from gtr_jobs.dev.bench.rig import BenchDatabase, Rig

_CLAIM = "select job_id, claim_number from gtr_jobs.claim_jobs(%s, %s, %s)"
_ACK = "select gtr_jobs.ack_done_jobs(%s, %s::bigint[], %s::bigint[])"
_HISTORY = """
    insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)
    select
        (now() at time zone 'utc')::date, -n, %(queue)s, %(queue)s, 'done', 1, md5(n::text), now()
    from generate_series(%(first)s::integer, %(last)s::integer) as n
"""
_PART = 500_000


@dataclass(frozen=True, slots=True)
class DepthSize:
    """How much lies in the way, and how much is drained beside it."""

    others: int = 1_000_000
    scheduled: int = 1_000_000
    finished: int = 5_000_000
    drained: int = 200_000
    claims: int = 300
    rounds: int = 3


async def measure_depth(rig: Rig, size: DepthSize) -> dict[str, Any]:
    """Drain an empty table and a full one, in turn; the ratio is the median of the rounds'."""
    with rig.open_database() as empty, rig.open_database() as full:
        _fill(full, size)
        pairs = []
        for _ in range(size.rounds):
            shallow = await _drain(empty, size.drained)
            pairs.append((shallow, await _drain(full, size.drained)))
        claims = _time_claims(full, size.claims)
    return {
        "bench": "depth",
        "ratio": round(median(deep / shallow for shallow, deep in pairs), 3),
        "empty_jobs_per_second": round(median(shallow for shallow, _ in pairs)),
        "full_jobs_per_second": round(median(deep for _, deep in pairs)),
        "claim_p50_ms": round(median(claims), 2),
        "claim_p99_ms": round(quantiles(claims, n=100)[98], 2),
        "jobs_a_claim": _JOBS_A_CLAIM,
        "in_the_way": {
            "other_queue": size.others,
            "scheduled": size.scheduled,
            "finished": size.finished,
        },
        "rounds": [[round(shallow), round(deep)] for shallow, deep in pairs],
    } | rig.describe()


_JOBS_A_CLAIM = 500


def _fill(database: BenchDatabase, size: DepthSize) -> None:
    connection = database.connection
    connection.execute("select gtr_bench.put_jobs(%s, %s)", (OTHER, size.others))
    connection.execute(
        "select gtr_bench.put_jobs(%s, %s, now() + interval '1 day')", (LANE, size.scheduled)
    )
    for first in range(1, size.finished + 1, _PART):
        last = min(first + _PART - 1, size.finished)
        connection.execute(_HISTORY, {"queue": OTHER, "first": first, "last": last})
    database.settle()


async def _drain(database: BenchDatabase, jobs: int) -> float:
    database.connection.execute("delete from gtr_jobs.job_history where queue = %s", (LANE,))
    database.connection.execute("select gtr_bench.put_jobs(%s, %s)", (LANE, jobs))
    database.settle()
    async with database.run_worker(LANE):
        await wait_until_drained(database, LANE)
    return rate_of(database, LANE)


def _time_claims(database: BenchDatabase, claims: int) -> list[float]:
    """Claim as a worker does, and give how many milliseconds each claim took."""
    database.connection.execute("select gtr_bench.put_jobs(%s, %s)", (LANE, claims * _JOBS_A_CLAIM))
    database.settle()
    milliseconds = []
    with psycopg.connect(database.worker_dsn, autocommit=True) as worker:
        row = worker.execute("select gtr_jobs.register_worker()").fetchone()
        worker_id = row[0] if row else 0
        for _ in range(claims):
            began = time.perf_counter()
            jobs = worker.execute(_CLAIM, (LANE, worker_id, _JOBS_A_CLAIM)).fetchall()
            milliseconds.append((time.perf_counter() - began) * 1000)
            ids, numbers = [job for job, _ in jobs], [number for _, number in jobs]
            worker.execute(_ACK, (worker_id, ids, numbers))
        worker.execute("select gtr_jobs.unregister_worker(%s)", (worker_id,))
    return milliseconds
