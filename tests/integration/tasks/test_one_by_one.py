"""A queue of another team's: its jobs are done each by itself, over functions of the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog
from structlog.testing import LogCapture
from support.databases import ProjectDatabase

from gtr_jobs.db.connect import Database
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.functions import Functions
from gtr_jobs.db.pool import open_pool
from gtr_jobs.engine.job import Die, Done, Job, JobEnd, TryAgain
from gtr_jobs.engine.queue import Ack
from gtr_jobs.tasks.one_by_one import one_by_one

CANARY = "canary-91aa"


def _job(number: int, **changed: Any) -> Job:
    values: dict[str, Any] = {
        "job_id": number,
        "queue": "slips",
        "kind": "write_slip",
        "args": {"id": str(uuid4())},
        "attempts": 0,
        "max_attempts": 3,
        "claim_number": 1,
        "lost_claims": 0,
        "event_day": datetime.now(UTC).date(),
        "trace_id": f"{number:032x}",
        "age_seconds": 0.0,
        "waited_seconds": 0.0,
        "claimed_at": time.monotonic(),
    }
    return Job(**{**values, **changed})


class Ends:
    """How jobs ended, in the order in which they did."""

    def __init__(self) -> None:
        self.of: dict[int, JobEnd] = {}

    def __call__(self, ack: Ack) -> None:
        """Take note of one."""
        self.of[ack.job.job_id] = ack.end


def _log() -> tuple[Any, LogCapture]:
    capture = LogCapture()
    return structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.make_filtering_bound_logger("debug")
    ), capture


async def test_a_fault_uses_up_an_attempt_of_its_own_job_only() -> None:
    """Those before and behind it are done; at its last attempt it is dead; no row is no job."""
    bad = {"id": str(uuid4())}

    async def do(job: Job, row_id: UUID) -> JobEnd:
        await asyncio.sleep(0)
        if str(row_id) == bad["id"]:
            raise ValueError(f"{CANARY} {job.job_id}")
        return Done()

    log, said = _log()
    ends = Ends()
    jobs = [_job(1), _job(2, args=bad), _job(3, args=bad, attempts=2), _job(4, args={}), _job(5)]
    await one_by_one(do, log)(jobs, ends)
    assert (ends.of[1], ends.of[5]) == (Done(), Done())
    assert isinstance(ends.of[2], TryAgain)
    assert ends.of[3] == Die("ValueError", "the handler failed with ValueError in every attempt")
    assert isinstance(ends.of[4], Die)
    assert [(entry["error"], entry["queue"], entry["jobs"]) for entry in said.entries] == [
        ("ValueError", "slips", 1)
    ] * 2
    assert CANARY not in str(said.entries)


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_jobs_run_at_a_time_than_are_meant_to(at_once: int) -> None:
    """Over all batches of the queue, not for each."""
    running, most = 0, 0

    async def do(_job: Job, _row_id: UUID) -> JobEnd:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return Done()

    handle, ends = one_by_one(do, _log()[0], at_once=at_once), Ends()
    await asyncio.gather(
        handle([_job(n) for n in range(5)], ends), handle([_job(n) for n in range(5, 10)], ends)
    )
    assert most == at_once
    assert len(ends.of) == 10


async def test_while_the_database_is_away_the_lane_is_told_so_by_name() -> None:
    """It hands jobs back without an attempt: what was done is done, the rest is not begun."""

    async def do(job: Job, _row_id: UUID) -> JobEnd:
        await asyncio.sleep(0)
        if job.job_id == 2:
            raise psycopg.OperationalError(CANARY)
        return Done()

    ends = Ends()
    with pytest.raises(psycopg.OperationalError):
        await one_by_one(do, _log()[0])([_job(1), _job(2), _job(3)], ends)
    assert ends.of == {1: Done()}


@pytest.fixture
async def pool(database: ProjectDatabase) -> AsyncIterator[ConnectionPool]:
    """A worker's connections to a database in which another team has functions."""
    with database.connect() as connection:
        connection.execute(
            """
            create schema garage;
            grant usage on schema garage to gtr_worker;
            create function garage.pairs(p_first integer, p_text text)
            returns table (number integer, word text)
            language sql set search_path = ''
            as 'select n, p_text from pg_catalog.generate_series(p_first, 3) as n';
            create function garage.one() returns bigint language sql as 'select 7::bigint';
            create function garage.hidden() returns integer language sql as 'select 1';
            revoke all on function garage.hidden() from public;
            """
        )
    address = Database(database.worker_dsn, "GTR_DATABASE_URL")
    pool = ConnectionPool(address, 2)
    await open_pool(pool, address)
    try:
        yield pool
    finally:
        await pool.close()


async def test_functions_are_called_by_name_with_a_workers_rights(
    pool: ConnectionPool,
) -> None:
    """Rows by the names of their columns, or one value; what is no name never reaches the database."""
    functions = Functions(pool)
    assert await functions.rows("garage.pairs", 2, "'; drop") == [
        {"number": 2, "word": "'; drop"},
        {"number": 3, "word": "'; drop"},
    ]
    assert await functions.rows("garage.pairs", 4, "") == []
    assert await functions.value("garage.one") == 7
    assert await functions.value("garage.pairs", 4, "") is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await functions.value("garage.hidden")
    for name in ("one", "garage.one()", 'garage."one"', "garage.one; select 1", ""):
        with pytest.raises(ValueError, match="no function's name"):
            await functions.rows(name)
