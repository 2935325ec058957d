"""gtr_jobs.tell_saved_searches(): one notification and one push a person and listing, never two."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value
from support.people import create_person, save_search
from support.searches import NOBODY, R34_TITLE, add_searchers, offer_r34

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PUSHES = (
    "select args ->> 'id', priority, trace_id from gtr_jobs.jobs where kind = 'saved_search_match'"
)


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


@pytest.fixture
async def searcher(admin: AsyncConnection) -> UUID:
    """Who looks for one."""
    return await create_person(admin, "ken", "Ken Block")


async def _tell(
    connection: AsyncConnection, listing: UUID, after: UUID = NOBODY, limit: int = 100
) -> tuple[Any, ...]:
    (row,) = await fetch_rows(
        connection,
        "select * from gtr_jobs.tell_saved_searches(%s, %s, %s, %s)",
        listing,
        after,
        limit,
        TRACE_ID,
    )
    return row


async def _count(admin: AsyncConnection) -> tuple[int, int]:
    notifications = await fetch_value(admin, "select count(*) from public.notifications")
    return notifications, len(await fetch_rows(admin, PUSHES))


async def test_a_person_gets_a_notification_and_a_push(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """As the app's own triggers write them; the push goes on under the trace of the listing, behind what people say."""
    await save_search(admin, searcher, "R34 in Los Angeles", model="R34")
    listing = await offer_r34(admin, seller)

    assert await _tell(worker, listing) == (1, 1, searcher)

    ((row_id, *row),) = await fetch_rows(
        admin,
        "select id, user_id, type, title, body, data, is_read, read_at from public.notifications",
    )
    assert row == [
        searcher,
        "saved_search_match",
        'New listing for "R34 in Los Angeles"',
        R34_TITLE,
        {"listing_id": str(listing), "user_id": str(seller)},
        False,
        None,
    ]
    assert await fetch_rows(admin, PUSHES) == [(str(row_id), -10, TRACE_ID)]


@pytest.mark.parametrize("name", [None, "", "   "])
async def test_a_search_without_a_name_is_called_a_saved_search(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID, name: Any
) -> None:
    """The app need not ask for a name."""
    await save_search(admin, searcher, name)
    await _tell(worker, await offer_r34(admin, seller))
    assert await fetch_rows(admin, "select title from public.notifications") == [
        ("New listing for your saved search",)
    ]


async def test_however_many_searches_fit_a_person_is_told_once(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """Of ten searches, and in ten runs."""
    for number in range(10):
        await save_search(admin, searcher, f"Search {number}", min_price=number)
    listing = await offer_r34(admin, seller)
    assert [await _tell(worker, listing) for _ in range(10)] == [
        (1, 1, searcher),
        *[(1, 0, searcher)] * 9,
    ]
    assert await _count(admin) == (1, 1)


async def test_a_notification_that_was_deleted_does_not_come_back(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """Who was told is kept apart from the app's rows."""
    await save_search(admin, searcher, "My search")
    listing = await offer_r34(admin, seller)
    await _tell(worker, listing)
    await admin.execute("delete from public.notifications")
    assert await _tell(worker, listing) == (1, 0, searcher)
    assert await _count(admin) == (0, 1)


async def test_a_search_that_is_saved_between_two_runs_is_told_in_the_second(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """One person more, and nobody again."""
    await save_search(admin, searcher, "My search")
    listing = await offer_r34(admin, seller)
    await _tell(worker, listing)
    (other,) = await add_searchers(admin, 1)
    assert (await _tell(worker, listing))[:2] == (2, 1)
    assert set(await fetch_rows(admin, "select user_id from public.notifications")) == {
        (searcher,),
        (other,),
    }


async def test_two_workers_at_once_tell_a_person_once(
    admin: AsyncConnection, seller: UUID, database: ProjectDatabase
) -> None:
    """The second waits for the first, and finds nobody left."""
    people = await add_searchers(admin, 20)
    listing = await offer_r34(admin, seller)
    async with (
        await database.connect_async("gtr_worker") as one,
        await database.connect_async("gtr_worker") as other,
    ):
        async with one.transaction():
            assert await _tell(one, listing) == (20, 20, people[-1])
            await other.execute("set lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await _tell(other, listing)
        assert await _tell(other, listing) == (20, 0, people[-1])
    assert await _count(admin) == (20, 20)


async def test_people_are_told_page_by_page(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID
) -> None:
    """Each page says where the next one begins; the last is not full."""
    people = await add_searchers(admin, 5)
    listing = await offer_r34(admin, seller)
    assert await _tell(worker, listing, NOBODY, 2) == (2, 2, people[1])
    assert await _tell(worker, listing, people[1], 2) == (2, 2, people[3])
    assert await _tell(worker, listing, people[3], 2) == (1, 1, people[4])
    assert await _tell(worker, listing, people[4], 2) == (0, 0, None)
    assert await _count(admin) == (5, 5)


async def test_no_notification_stands_without_its_push(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """The trigger forgives a broken queue; the worker does not, and tries again when it is mended."""
    await save_search(admin, searcher, "My search")
    listing = await offer_r34(admin, seller)
    await admin.execute(
        "alter table procrastinate.procrastinate_jobs add constraint never check (false) not valid"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        await _tell(worker, listing)
    assert await _count(admin) == (0, 0)
    await admin.execute("alter table procrastinate.procrastinate_jobs drop constraint never")
    assert await _tell(worker, listing) == (1, 1, searcher)
    assert await _count(admin) == (1, 1)


async def test_a_push_is_queued_once_where_the_trigger_is_gone_too(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """Exactly one, with the trigger's help or without it."""
    await save_search(admin, searcher, "My search")
    listing = await offer_r34(admin, seller)
    await admin.execute("drop trigger gtr_jobs_notifications_insert on public.notifications")
    await _tell(worker, listing)
    assert await _count(admin) == (1, 1)


async def test_an_app_whose_types_are_an_enum_is_told_as_well(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """The column's type is the app's affair."""
    await admin.execute("create type public.notification_type as enum ('saved_search_match')")
    await admin.execute(
        "alter table public.notifications alter column type"
        " type public.notification_type using type::public.notification_type"
    )
    await save_search(admin, searcher, "My search")
    await _tell(worker, await offer_r34(admin, seller))
    assert await _count(admin) == (1, 1)


async def test_a_listing_that_is_sold_or_gone_is_told_to_nobody(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """It is read when it is told, not when it was queued."""
    await save_search(admin, searcher, "My search")
    listing = await offer_r34(admin, seller)
    await admin.execute("update public.listings set status = 'sold'")
    assert await _tell(worker, listing) == (0, 0, None)
    await admin.execute("delete from public.listings")
    assert await _tell(worker, listing) == (0, 0, None)
    assert await _count(admin) == (0, 0)


async def test_the_trace_does_not_leak_into_the_next_statement(
    admin: AsyncConnection, worker: AsyncConnection, seller: UUID
) -> None:
    """What the connection does next is something else."""
    await _tell(worker, await offer_r34(admin, seller))
    assert not await fetch_value(worker, "select current_setting('request.headers', true)")
