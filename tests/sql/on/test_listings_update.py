"""A listing that becomes active is matched; one that is only changed is not."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_listing, create_person

JOBS = "select queue, kind, args from gtr_jobs.jobs order by job_id"


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


async def test_a_draft_that_is_offered_causes_one_job(
    api: AsyncConnection, admin: AsyncConnection, seller: UUID
) -> None:
    """Its status becomes active, whatever else changes with it."""
    listing = await create_listing(admin, seller, "R34", status="draft")
    async with as_user(api, seller):
        await api.execute(
            "update public.listings set status = 'active', price = 1 where id = %s", (listing,)
        )
    assert await fetch_rows(admin, JOBS) == [
        ("match", "match_saved_searches", {"id": str(listing)})
    ]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("active", "price = 1"),
        ("active", "status = 'active'"),
        ("active", "status = 'sold'"),
        ("draft", "status = 'pending'"),
        ("draft", "price = 1"),
    ],
)
async def test_any_other_change_causes_no_job(
    admin: AsyncConnection, seller: UUID, before: str, change: str
) -> None:
    """A counter, a price, a sale: nothing that was not offered before is offered now."""
    await create_listing(admin, seller, "R34", status=before)
    queued = await count_jobs(admin)
    await admin.execute(f"update public.listings set {change}".encode())
    assert await count_jobs(admin) == queued


async def test_a_job_that_still_waits_is_not_queued_twice(
    admin: AsyncConnection, seller: UUID
) -> None:
    """It reads the listing when it runs: once is enough for all that happened before."""
    await create_listing(admin, seller, "R34")
    for status in ("sold", "active", "sold", "active"):
        await admin.execute("update public.listings set status = %s", (status,))
    assert await count_jobs(admin) == 1


async def test_only_the_listings_that_became_active_cause_jobs(
    admin: AsyncConnection, seller: UUID
) -> None:
    """One statement over many; an upsert is an update of what was there."""
    await admin.execute(
        """
        insert into public.listings (user_id, title, status)
        select %s, 'R' || n, case when n <= 3 then 'draft' else 'active' end
        from generate_series(1, 10) as n
        """,
        (seller,),
    )
    await admin.execute("delete from procrastinate.procrastinate_jobs")
    await admin.execute("update public.listings set status = 'active'")
    assert await count_jobs(admin) == 3
    draft = await create_listing(admin, seller, "R34", status="draft")
    await admin.execute(
        """
        insert into public.listings (id, user_id, title) values (%s, %s, 'R34')
        on conflict (id) do update set status = 'active'
        """,
        (draft, seller),
    )
    assert await count_jobs(admin) == 4


async def test_a_broken_queue_does_not_keep_a_listing_from_being_changed(
    admin: AsyncConnection, seller: UUID
) -> None:
    """The change stands, and what went wrong is on record."""
    await create_listing(admin, seller, "R34", status="draft")
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'match_saved_searches'")
    await admin.execute("update public.listings set status = 'active'")
    assert await fetch_value(admin, "select status from public.listings") == "active"
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("listings_update", "GTR01")
    ]
