"""How much memory a worker process holds while it drains a million jobs, and whether that grows."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from gtr_jobs.dev.bench.drain import wait_until_drained
from gtr_jobs.dev.bench.jobs import LANE
from gtr_jobs.dev.bench.rig import Rig

_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class MemorySize:
    """How many jobs are drained."""

    jobs: int = 1_000_000


async def measure_memory(rig: Rig, size: MemorySize) -> dict[str, Any]:
    """Drain and look at the process again and again; growth is from the second quarter to the last."""
    seen: list[float] = []
    with rig.open_database() as database:
        database.put_jobs(LANE, size.jobs)
        database.settle()
        async with database.run_worker(LANE) as worker:
            draining = asyncio.create_task(wait_until_drained(database, LANE))
            while not draining.done():
                seen.append(_resident_mebibytes(worker.pid, "VmRSS"))
                await asyncio.sleep(_LOOK_SECONDS)
            await draining
            peak = _resident_mebibytes(worker.pid, "VmHWM")
    quarter = max(1, len(seen) // 4)
    second, last = median(seen[quarter : 2 * quarter] or seen), median(seen[-quarter:])
    return {
        "bench": "memory",
        "jobs": size.jobs,
        "peak_mib": round(peak, 1),
        "second_quarter_mib": round(second, 1),
        "last_quarter_mib": round(last, 1),
        "growth_mib": round(last - second, 1),
    } | rig.describe()


def _resident_mebibytes(pid: int, field: str) -> float:
    """Read what Linux says that a process holds of memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    match = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"Linux tells no {field} of process {pid}")
    return int(match[1]) / 1024
