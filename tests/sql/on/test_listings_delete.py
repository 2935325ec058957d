"""A listing that is deleted is forgotten with all who were told of it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.jobs import fetch_rows, fetch_value
from support.people import create_listing, create_person

TOLD = "select listing_id, user_id from gtr_jobs.search_matches order by matched_at"


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


async def _note_told(admin: AsyncConnection, listing: UUID, people: int = 1) -> list[UUID]:
    told = [uuid4() for _ in range(people)]
    for person in told:
        await admin.execute(
            "insert into gtr_jobs.search_matches (listing_id, user_id, matched_at)"
            " values (%s, %s, clock_timestamp())",
            (listing, person),
        )
    return told


async def test_only_what_was_told_of_the_deleted_listing_is_forgotten(
    api: AsyncConnection, admin: AsyncConnection, seller: UUID
) -> None:
    """By its seller, who has no right on the book itself."""
    gone, other = [await create_listing(admin, seller, "R34") for _ in range(2)]
    await _note_told(admin, gone, 2)
    (person,) = await _note_told(admin, other)
    async with as_user(api, seller):
        await api.execute("delete from public.listings where id = %s", (gone,))
    assert await fetch_rows(admin, TOLD) == [(other, person)]


async def test_a_fault_of_ours_keeps_no_listing_from_being_deleted(
    api: AsyncConnection, admin: AsyncConnection, seller: UUID
) -> None:
    """The app's write comes first, and the fault is on record."""
    listing = await create_listing(admin, seller, "R34")
    await admin.execute("alter table gtr_jobs.search_matches rename to somewhere_else")
    async with as_user(api, seller):
        await api.execute("delete from public.listings where id = %s", (listing,))
    assert await fetch_value(admin, "select count(*) from public.listings") == 0
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("listings_delete", "42P01")
    ]
