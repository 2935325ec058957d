"""Saved searches and the listings that fit them, for tests of how they are matched."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.people import create_listing, create_person, save_search

NOBODY = UUID(int=0)

# A listing with everything said of it.
R34: dict[str, Any] = {
    "model": "R34",
    "year": 1999,
    "price": 89_500,
    "description": "Bayside Blue, two previous owners, no rust.",
    "condition": "Excellent",
    "transmission": "Manual",
    "city": "Los Angeles",
    "state": "CA",
    "location": "Los Angeles, California",
    "country": "USA",
}
R34_TITLE = "Nissan Skyline GT-R V-Spec"


async def offer_r34(connection: AsyncConnection, seller: UUID, **changes: Any) -> UUID:
    """Offer the listing, with some of it said otherwise."""
    columns = R34 | changes
    return await create_listing(connection, seller, columns.pop("title", R34_TITLE), **columns)


async def find(
    connection: AsyncConnection, listing_id: UUID, *, after: UUID = NOBODY, limit: int = 1000
) -> list[UUID]:
    """Find the people whose saved searches a listing fits, as postgres."""
    rows = await fetch_rows(
        connection,
        "select user_id from gtr_jobs.find_saved_searches(%s, %s, %s)",
        listing_id,
        after,
        limit,
    )
    return [user_id for (user_id,) in rows]


async def add_searchers(connection: AsyncConnection, count: int, **criteria: Any) -> list[UUID]:
    """Make people who save the same search, and return them in the order of their ids."""
    people = [
        await create_person(connection, f"searcher{number}", f"Searcher {number}")
        for number in range(count)
    ]
    for person in people:
        await save_search(connection, person, "My search", **criteria)
    return sorted(people)
