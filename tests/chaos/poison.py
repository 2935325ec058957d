"""An app whose jobs take their worker with them, each in its own way: `GTR_APP=chaos.poison:app`."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from uuid import UUID

from gtr_jobs.extend import App, Done, Handler, Job, JobEnd, Queue, Tools, one_by_one

KINDS = ("segfault", "exit", "endless", "recursion", "eat_memory", "shout")
_LINE = "x" * 50_000_000


def _recurse(depth: int) -> int:
    return _recurse(depth + 1) + 1


def _make(tools: Tools) -> Handler:
    async def do(job: Job, _: UUID) -> JobEnd:
        match job.kind:
            case "segfault":
                ctypes.string_at(0)
            case "exit":
                os._exit(3)
            case "endless":
                while True:
                    pass
            case "recursion":
                _recurse(0)
            case "eat_memory":
                bytearray(1 << 50)
            case "shout":
                tools.log.info("poison.shout", line=_LINE)
                sys.stdout.write(_LINE[:1_000_000])
        return Done()

    return one_by_one(do, tools.log)


app = App(
    name="poison",
    version="0.1.0",
    queues=(Queue("poison", KINDS, _make, most_jobs=1, max_attempts=2),),
    sql=Path(__file__).parent / "poison_sql",
)
