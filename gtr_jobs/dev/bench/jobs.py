"""The app whose jobs are measured: they do nothing, in a lane and one by one. Named by GTR_APP."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from gtr_jobs.extend import (
    Ack,
    App,
    Done,
    Finish,
    Handler,
    Job,
    JobEnd,
    Queue,
    Tools,
    one_by_one,
)

REFERENCE = "gtr_jobs.dev.bench.jobs:app"
LANE = "bench_lane"
SINGLE = "bench_single"
TIMED = "bench_timed"
OTHER = "bench_other"

_DONE = Done()


def _make_lane(_: Tools) -> Handler:
    async def handle(jobs: Sequence[Job], finish: Finish) -> None:
        for job in jobs:
            finish(Ack(job, _DONE))

    return handle


def _make_single(tools: Tools) -> Handler:
    async def do(_: Job, __: UUID) -> JobEnd:
        return _DONE

    return one_by_one(do, tools.log, at_once=20)


def _make_timed(_: Tools) -> Handler:
    async def handle(jobs: Sequence[Job], finish: Finish) -> None:
        started_at = time.time()
        for job in jobs:
            finish(Ack(job, _DONE))
        # The parent reads what the worker writes beside its log.
        report = {"started_at": started_at, "jobs": [job.args["id"] for job in jobs]}
        print(json.dumps(report), file=sys.stderr, flush=True)

    return handle


app = App(
    name="gtr_bench",
    version="0.1.0",
    queues=(
        Queue(LANE, (LANE,), _make_lane, most_jobs=10_000),
        Queue(SINGLE, (SINGLE,), _make_single, most_jobs=10_000),
        Queue(TIMED, (TIMED,), _make_timed, most_jobs=10_000),
        Queue(OTHER, (OTHER,), _make_lane, most_jobs=10_000),
    ),
    sql=Path(__file__).parent / "sql",
)
