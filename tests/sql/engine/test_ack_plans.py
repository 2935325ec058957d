"""What the statements that end jobs read: the jobs that they end, however many others there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from support.accepted import ACK_ACCEPTED, Push, parameters_of
from support.jobs import Claimed, claim, delivery_of, end_of, put_jobs, register_worker
from support.scans import Reads, reads_of

Function = Literal["ack_jobs", "ack_accepted_pushes", "ack_done_jobs"]
FUNCTIONS: tuple[Function, ...] = ("ack_jobs", "ack_accepted_pushes", "ack_done_jobs")
# More than after which a statement is planned no more.
RUNS = 12


@pytest.fixture
async def worker_id(admin: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(admin)


def _ack(
    function: Function, worker_id: int, jobs: Sequence[Claimed]
) -> tuple[str, Sequence[object]]:
    match function:
        case "ack_jobs":
            documents = [end_of(job) for job in jobs], [delivery_of(job) for job in jobs]
            statement = "select gtr_jobs.ack_jobs(%s, %s::jsonb, %s::jsonb)"
            return statement, [worker_id, *map(json.dumps, documents)]
        case "ack_accepted_pushes":
            pushes = [Push(job, uuid4()) for job in jobs]
            return ACK_ACCEPTED, parameters_of(worker_id, pushes)
        case "ack_done_jobs":
            statement = "select gtr_jobs.ack_done_jobs(%s, %s::bigint[], %s::bigint[])"
            claims = [job.job_id for job in jobs], [job.claim_number for job in jobs]
            return statement, [worker_id, *claims]


async def _fill(admin: AsyncConnection, worker_id: int) -> None:
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs"
        " (queue_name, task_name, status, worker_id, claim_number)"
        " select 'push', 'message', 'doing', %s, 1 from generate_series(1, 20000)",
        (worker_id,),
    )
    await admin.execute(
        "insert into gtr_jobs.deliveries"
        " (day, dedupe_key, kind, channel, state, outcome, job_id, trace_id)"
        " select (now() at time zone 'utc')::date, gen_random_uuid(), 'message', 'push', 'sent',"
        " 'accepted', 0, '' from generate_series(1, 5000)"
    )


def _reads_little(reads: Reads) -> bool:
    return not reads.tables and sum(reads.indexes.values()) <= 20


@pytest.mark.parametrize("is_analyzed", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
async def test_an_ack_reads_no_more_than_it_ends(
    admin: AsyncConnection, worker_id: int, function: Function, is_analyzed: bool
) -> None:
    """However many others are being done, by this worker too, and whatever the planner thinks of them."""
    await put_jobs(admin, 10)
    if is_analyzed:
        await admin.execute("analyze procrastinate.procrastinate_jobs")
    jobs = await claim(admin, worker_id, 10)
    await _fill(admin, worker_id)
    for _ in range(RUNS):
        statement, parameters = _ack(function, worker_id, jobs)
        reads = await reads_of(admin, statement, *parameters)
        assert _reads_little(reads), reads


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_an_ack_reads_no_more_when_the_queue_has_grown(
    admin: AsyncConnection, worker_id: int, function: Function
) -> None:
    """A session that made its plan while there were few jobs: going through them all seemed cheap then."""
    for _ in range(RUNS):
        await put_jobs(admin, 10)
        statement, parameters = _ack(function, worker_id, await claim(admin, worker_id, 10))
        await admin.execute(statement.encode(), parameters)
    await put_jobs(admin, 10)
    jobs = await claim(admin, worker_id, 10)
    await _fill(admin, worker_id)
    statement, parameters = _ack(function, worker_id, jobs)
    reads = await reads_of(admin, statement, *parameters)
    assert _reads_little(reads), reads
