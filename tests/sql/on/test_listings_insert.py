"""A listing that is offered becomes a job that names it; looking whom it fits is the worker's."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_listing, create_person, save_search

JOBS = "select queue, kind, args from gtr_jobs.jobs order by job_id"


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


async def test_an_active_listing_causes_one_job_and_nothing_else(
    api: AsyncConnection, admin: AsyncConnection, seller: UUID
) -> None:
    """No notification is written in the app's own transaction, however many searches it fits."""
    searcher = await create_person(admin, "ken", "Ken Block")
    await save_search(admin, searcher, "Everything")
    async with as_user(api, seller):
        listing = await create_listing(api, seller, "R34")
    assert await fetch_rows(admin, JOBS) == [
        ("match", "match_saved_searches", {"id": str(listing)})
    ]
    assert await fetch_value(admin, "select count(*) from public.notifications") == 0


@pytest.mark.parametrize("status", ["draft", "sold", "pending", "ACTIVE"])
async def test_a_listing_that_is_not_active_causes_no_job(
    admin: AsyncConnection, seller: UUID, status: str
) -> None:
    """Nobody can buy it yet, or any more."""
    await create_listing(admin, seller, "R34", status=status)
    assert await count_jobs(admin) == 0


async def test_an_import_causes_a_job_for_each_active_listing(
    admin: AsyncConnection, seller: UUID
) -> None:
    """One statement, many listings."""
    await admin.execute(
        """
        insert into public.listings (user_id, title, status)
        select %s, 'R' || n, case when n %% 4 = 0 then 'draft' else 'active' end
        from generate_series(1, 1000) as n
        """,
        (seller,),
    )
    assert (
        await fetch_value(
            admin,
            """
        select count(*) from gtr_jobs.jobs as j
        join public.listings as l on l.id = (j.args ->> 'id')::uuid and l.status = 'active'
        """,
        )
        == 750
    )
    assert await count_jobs(admin) == 750


async def test_a_broken_queue_does_not_keep_a_listing_from_being_written(
    api: AsyncConnection, admin: AsyncConnection, seller: UUID
) -> None:
    """The listing stands, and what went wrong is on record."""
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'match_saved_searches'")
    async with as_user(api, seller):
        listing = await create_listing(api, seller, "R34")
    assert await fetch_value(admin, "select id from public.listings") == listing
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("listings_insert", "GTR01")
    ]


async def test_an_app_whose_statuses_are_an_enum_is_matched_as_well(
    admin: AsyncConnection, seller: UUID
) -> None:
    """The column's type is the app's affair."""
    await admin.execute("create type public.listing_status as enum ('active', 'sold')")
    await admin.execute(
        """
        alter table public.listings
            alter column status drop default,
            alter column status type public.listing_status using status::public.listing_status
        """
    )
    listing = await create_listing(admin, seller, "R34", status="active")
    await admin.execute("update public.listings set status = 'sold'")
    await admin.execute("update public.listings set status = 'active'")
    assert await fetch_rows(admin, JOBS) == [
        ("match", "match_saved_searches", {"id": str(listing)})
    ]
    assert await fetch_rows(admin, "select message from gtr_jobs.enqueue_errors") == []
