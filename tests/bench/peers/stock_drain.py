"""Drains no-op jobs with procrastinate as it comes. Prints one JSON line: {"peer", "jobs", "jobs_per_second"}.

python stock_drain.py 3000 postgresql://…   (an empty database, which is written to)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import procrastinate
from procrastinate.types import JSONValue

jobs, dsn = int(sys.argv[1]), sys.argv[2]
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=8, max_size=8)
)


@app.task(queue="drain", name="noop")
async def noop(n: int) -> None:
    """Do nothing."""


async def drain() -> None:
    """Install, enqueue, drain and tell."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1000):
            last = min(jobs, first + 1000)
            some: list[dict[str, JSONValue]] = [{"n": n} for n in range(first, last)]
            await noop.batch_defer_async(*some)
        start = time.perf_counter()
        await app.run_worker_async(
            concurrency=20, wait=False, listen_notify=False, install_signal_handlers=False
        )
        seconds = time.perf_counter() - start
    figure = {"peer": "procrastinate", "jobs": jobs, "jobs_per_second": round(jobs / seconds)}
    sys.stdout.write(json.dumps(figure) + "\n")


asyncio.run(drain())
