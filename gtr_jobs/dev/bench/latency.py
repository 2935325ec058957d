"""How long a job waits from its commit to its handler: when all sleep, and in a steady stream."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import psycopg

from gtr_jobs.dev.bench.jobs import TIMED
from gtr_jobs.dev.bench.rig import BenchDatabase, Rig
from gtr_jobs.dev.worker_process import WorkerProcess

# The database's clock, as late as a statement can read it: the commit follows, so that no figure is too small.
_ENQUEUE = """
    select
        gtr_jobs.enqueue(array[gtr_jobs.job(%(kind)s, jsonb_build_object('id', %(id)s::text), %(id)s::text)]),
        extract(epoch from clock_timestamp())::double precision
"""
_CLIENTS = 8
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LatencySize:
    """How much is measured: jobs when all sleep, and a stream of so many a second for so long."""

    idle_jobs: int = 300
    rate: int = 1000
    seconds: float = 10.0
    rounds: int = 3


async def measure_latency(rig: Rig, size: LatencySize) -> dict[str, Any]:
    """Measure both, in one database with one worker process; medians of the rounds."""
    idle: list[tuple[float, float]] = []
    busy: list[tuple[float, float]] = []
    rates: list[float] = []
    with rig.open_database() as database:
        async with database.run_worker(TIMED) as worker:
            for _ in range(size.rounds):
                idle.append(_summarize(await _measure_idle(database, worker, size.idle_jobs)))
                began = time.monotonic()
                waits = await _measure_stream(database, worker, size)
                rates.append(len(waits) / (time.monotonic() - began))
                busy.append(_summarize(waits))
    return {
        "bench": "latency",
        "p50_ms": _median(p50 for p50, _ in idle),
        "p99_ms": _median(p99 for _, p99 in idle),
        "rate": size.rate,
        "rate_reached": round(median(rates)),
        "at_rate_p50_ms": _median(p50 for p50, _ in busy),
        "at_rate_p99_ms": _median(p99 for _, p99 in busy),
        "rounds": [[round(value, 2) for value in pair] for pair in idle],
        "at_rate_rounds": [[round(value, 2) for value in pair] for pair in busy],
    } | rig.describe()


async def _measure_idle(database: BenchDatabase, worker: WorkerProcess, jobs: int) -> list[float]:
    committed: dict[str, float] = {}
    async with await _connect(database) as connection:
        for _ in range(jobs):
            # Long enough for the worker to fall asleep, and in no step with its naps.
            await asyncio.sleep(random.uniform(0.03, 0.09))
            await _enqueue(connection, committed)
    return await _waits(worker, committed)


async def _measure_stream(
    database: BenchDatabase, worker: WorkerProcess, size: LatencySize
) -> list[float]:
    committed: dict[str, float] = {}
    began = time.monotonic()

    async def insert(number: int) -> None:
        async with await _connect(database) as connection:
            for turn in range(number, int(size.rate * size.seconds), _CLIENTS):
                await asyncio.sleep(began + turn / size.rate - time.monotonic())
                await _enqueue(connection, committed)

    async with asyncio.TaskGroup() as clients:
        for number in range(_CLIENTS):
            clients.create_task(insert(number))
    return await _waits(worker, committed)


async def _connect(database: BenchDatabase) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        database.server.dsn(database.name), autocommit=True, prepare_threshold=0
    )


async def _enqueue(connection: psycopg.AsyncConnection, committed: dict[str, float]) -> None:
    row_id = str(uuid4())
    cursor = await connection.execute(_ENQUEUE, {"kind": TIMED, "id": row_id})
    row = await cursor.fetchone()
    committed[row_id] = row[1] if row else 0.0


async def _waits(worker: WorkerProcess, committed: dict[str, float]) -> list[float]:
    """Give how many milliseconds each job waited, once all were handed over."""
    async with asyncio.timeout(_PATIENCE_SECONDS), worker.news:
        while True:
            started = dict(_starts(worker))
            if committed.keys() <= started.keys():
                return [(started[row_id] - at) * 1000 for row_id, at in committed.items()]
            await worker.news.wait()


def _starts(worker: WorkerProcess) -> Iterator[tuple[str, float]]:
    for record in worker.records:
        for row_id in record.get("jobs", ()) if "started_at" in record else ():
            yield row_id, record["started_at"]


def _summarize(waits: list[float]) -> tuple[float, float]:
    return median(waits), quantiles(waits, n=100)[98]


def _median(values: Iterator[float]) -> float:
    return round(median(values), 2)
