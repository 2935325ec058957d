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
from gtr_jobs.engine.front import Front

_CLAIM = """
    select priority, due_at, job_id, claim_number
    from gtr_jobs.claim_jobs_after(%s, %s, %s, %s::integer[], %s::bigint[], %s::timestamptz)
"""
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
    rounds: int = 9


async def measure_depth(rig: Rig, size: DepthSize) -> dict[str, Any]:
    """Drain an empty table and a full one, in turn; the ratio is the median of the rounds'.

    A drain lasts a few seconds, in which a machine may be a tenth faster or slower than before: hence
    many rounds, each begun by the other of the two. Beside it stands what no such moment disturbs: the
    time of claims and acks alone, one here and one there.
    """
    with rig.open_database() as empty, rig.open_database() as full:
        _fill(full, size)
        pairs = []
        for number in range(size.rounds):
            order = (empty, full) if number % 2 == 0 else (full, empty)
            rates = {database.name: await _drain(database, size.drained) for database in order}
            pairs.append((rates[empty.name], rates[full.name]))
        shallow, deep = _time_statements(empty, full, size.claims)
    return {
        "bench": "depth",
        "ratio": round(median(deep / shallow for shallow, deep in pairs), 3),
        "statements_ratio": round(shallow.milliseconds / deep.milliseconds, 3),
        "empty_jobs_per_second": round(median(shallow for shallow, _ in pairs)),
        "full_jobs_per_second": round(median(deep for _, deep in pairs)),
        "claim_p50_ms": round(median(deep.claims), 2),
        "claim_p99_ms": round(quantiles(deep.claims, n=100)[98], 2),
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


class _Claimer:
    """Claims and acks as a worker does, and notes how many milliseconds each statement took."""

    def __init__(self, worker: psycopg.Connection) -> None:
        self._worker = worker
        row = worker.execute("select gtr_jobs.register_worker()").fetchone()
        self._worker_id = row[0] if row else 0
        self._front = Front()
        self.claims: list[float] = []
        self.acks: list[float] = []

    @property
    def milliseconds(self) -> float:
        """How long all took together."""
        return sum(self.claims) + sum(self.acks)

    def take(self) -> None:
        """Claim and ack once."""
        start = self._front.begin()
        ready = start and start.ready
        behind = (list(ready), list(ready.values())) if ready else (None, None)
        began = time.perf_counter()
        jobs = self._worker.execute(
            _CLAIM, (LANE, self._worker_id, _JOBS_A_CLAIM, *behind, start and start.due)
        ).fetchall()
        claimed = time.perf_counter()
        self._front.end(jobs)
        ids, numbers = [job[2] for job in jobs], [job[3] for job in jobs]
        asked = time.perf_counter()
        self._worker.execute(_ACK, (self._worker_id, ids, numbers)).fetchall()
        self.claims.append((claimed - began) * 1000)
        self.acks.append((time.perf_counter() - asked) * 1000)


def _time_statements(
    empty: BenchDatabase, full: BenchDatabase, claims: int
) -> tuple[_Claimer, _Claimer]:
    """Claim and ack here and there, by turns; give both claimers."""
    for database in (empty, full):
        jobs = claims * _JOBS_A_CLAIM
        database.connection.execute("select gtr_bench.put_jobs(%s, %s)", (LANE, jobs))
        database.settle()
    with (
        psycopg.connect(empty.worker_dsn, autocommit=True) as here,
        psycopg.connect(full.worker_dsn, autocommit=True) as there,
    ):
        shallow, deep = _Claimer(here), _Claimer(there)
        for number in range(claims):
            for claimer in (shallow, deep) if number % 2 == 0 else (deep, shallow):
                claimer.take()
        return shallow, deep
