"""How many jobs a second one worker process drains, beside what others drain on the same server in the same run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import median
from typing import Any

from gtr_jobs.dev.bench.jobs import LANE, SINGLE
from gtr_jobs.dev.bench.peers import Peers
from gtr_jobs.dev.bench.rig import BenchDatabase, Rig

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class DrainSize:
    """How much is drained: jobs in the lane, single ones, and by the slowest peer."""

    lane: int = 200_000
    single: int = 100_000
    stock: int = 3_000
    rounds: int = 3


async def measure_drain(rig: Rig, peers: Peers | None, size: DrainSize) -> dict[str, Any]:
    """Drain no-op jobs in a lane and one by one, in turn with the peers; medians of the rounds."""
    ours: list[float] = []
    single: list[float] = []
    graphile: list[float] = []
    stock: list[float] = []
    for _ in range(size.rounds):
        ours.append(await drain_once(rig, LANE, size.lane))
        if peers:
            graphile.append(peers.drain_graphile(rig, size.lane))
        single.append(await drain_once(rig, SINGLE, size.single))
        if peers:
            stock.append(peers.drain_stock(rig, size.stock))
    result: dict[str, Any] = {
        "bench": "drain",
        "jobs": size.lane,
        "jobs_per_second": round(median(ours)),
        "single_jobs": size.single,
        "single_jobs_per_second": round(median(single)),
        "rounds": [round(rate) for rate in ours],
        "single_rounds": [round(rate) for rate in single],
    }
    if peers:
        result |= {
            "graphile_worker_jobs_per_second": round(median(graphile)),
            "graphile_worker_rounds": [round(rate) for rate in graphile],
            # Of neighbours in one run: the machine may have been slower for a while.
            "ratio": round(median(a / b for a, b in zip(ours, graphile, strict=True)), 2),
            "stock_jobs_per_second": round(median(stock)),
            "single_ratio": round(median(a / b for a, b in zip(single, stock, strict=True)), 1),
        }
    return result | rig.describe()


async def drain_once(rig: Rig, kind: str, jobs: int) -> float:
    """Drain a database of its own; give jobs a second."""
    with rig.open_database() as database:
        database.put_jobs(kind, jobs)
        database.settle()
        async with database.run_worker(kind):
            await wait_until_drained(database, kind)
        return rate_of(database, kind)


async def wait_until_drained(database: BenchDatabase, queue: str) -> None:
    """Wait until a queue is empty; asks seldom, so as not to be measured."""
    while True:
        row = database.connection.execute(
            "select from gtr_jobs.jobs where queue = %s and status = 'todo' and scheduled_at is null"
            " limit 1",
            (queue,),
        ).fetchone()
        if row is None:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def rate_of(database: BenchDatabase, queue: str) -> float:
    """Read from the history how many jobs ended a second, from the first ack that was written to the last."""
    row = database.connection.execute(
        """
        with ends as (
            select h.ended_at, count(*) as jobs from gtr_jobs.job_history as h where h.queue = %s group by h.ended_at
        )

        select
            sum(e.jobs) filter (where e.ended_at > f.first) / extract(epoch from max(e.ended_at) - f.first)
        from ends as e
        cross join (select min(ended_at) as first from ends) as f
        group by f.first
        """,
        (queue,),
    ).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("nothing was drained")
    return float(row[0])
