"""The match queue's work on a real database: page after page, and each listing by itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from support.databases import ProjectDatabase
from support.jobs import fetch_value
from support.people import create_person
from support.searches import add_searchers, offer_r34

from gtr_jobs.db.connect import Database
from gtr_jobs.db.pool import make_pool, open_pool
from gtr_jobs.db.searches import Searches
from gtr_jobs.engine.job import Die, Done, Job, JobEnd, TryAgain
from gtr_jobs.engine.queue import Ack
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.tasks import match
from gtr_jobs.tasks.match import MatchTask


@pytest.fixture
async def admin(database: ProjectDatabase) -> AsyncIterator[AsyncConnection]:
    """A connection of postgres, who owns the app's tables."""
    async with await database.connect_async() as connection:
        yield connection


@pytest.fixture
async def pool(database: ProjectDatabase) -> AsyncIterator[AsyncConnectionPool]:
    """A worker's connections."""
    address = Database(database.worker_dsn, "GTR_DATABASE_URL")
    pool = make_pool(address, 2)
    await open_pool(pool, address)
    try:
        yield pool
    finally:
        await pool.close()


def _job(number: int, listing: object, attempts: int = 0) -> Job:
    return Job(
        job_id=number,
        queue="match",
        kind="match_saved_searches",
        args={"id": str(listing)},
        attempts=attempts,
        max_attempts=8,
        claim_number=1,
        lost_claims=0,
        event_day=datetime.now(UTC).date(),
        trace_id=f"{number:032x}",
        age_seconds=0.0,
        waited_seconds=0.0,
        claimed_at=time.monotonic(),
    )


async def _run(pool: AsyncConnectionPool, *jobs: Job) -> dict[int, JobEnd]:
    ends: dict[int, JobEnd] = {}

    def finish(ack: Ack) -> None:
        ends[ack.job.job_id] = ack.end

    await MatchTask(searches=Searches(pool), log=get_logger())(jobs, finish)
    return ends


async def _count_told(admin: AsyncConnection, listing: UUID) -> int:
    count = await fetch_value(
        admin,
        "select count(distinct user_id) from public.notifications where data ->> 'listing_id' = %s",
        str(listing),
    )
    return int(count)


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4, 5])
async def test_everybody_is_told_however_many_pages_they_fill(
    admin: AsyncConnection,
    pool: AsyncConnectionPool,
    monkeypatch: pytest.MonkeyPatch,
    people: int,
) -> None:
    """Pages of two: none, half of one, one, one and a half, two, and more."""
    monkeypatch.setattr(match, "PEOPLE_A_PAGE", 2)
    await add_searchers(admin, people, model="R34")
    listing = await offer_r34(admin, await create_person(admin, "nismo", "Nis Mo"))
    assert await _run(pool, _job(1, listing)) == {1: Done()}
    assert await _count_told(admin, listing) == people
    # After an interruption it begins from the start, and tells nobody again.
    assert await _run(pool, _job(1, listing)) == {1: Done()}
    assert await fetch_value(admin, "select count(*) from public.notifications") == people


async def test_a_listing_that_fails_uses_up_its_own_attempts_only(
    admin: AsyncConnection, pool: AsyncConnectionPool
) -> None:
    """Those before and behind it are done; it is tried again, and at last it is dead with what it died of."""
    await add_searchers(admin, 3, model="R34")
    seller = await create_person(admin, "nismo", "Nis Mo")
    await admin.execute("alter table public.notifications add check (body <> 'Poison')")
    first, poison, last = [
        await offer_r34(admin, seller, title=title) for title in ("First", "Poison", "Last")
    ]
    ends = await _run(
        pool,
        _job(1, first),
        _job(2, poison),
        _job(3, poison, attempts=7),
        _job(4, "no id"),
        _job(5, last),
    )
    assert (ends[1], ends[5]) == (Done(), Done())
    assert isinstance(ends[2], TryAgain)
    assert ends[2].uses_attempt
    assert ends[3] == Die(
        "CheckViolation", "the handler failed with CheckViolation in every attempt"
    )
    assert isinstance(ends[4], Die)
    assert ends[4].code == "bad_arguments"
    assert [await _count_told(admin, listing) for listing in (first, poison, last)] == [3, 0, 3]
