"""A notification becomes a push only where the app's own code or a server wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_listing, create_person, favourite_listing

INSERT = """
    insert into public.notifications (user_id, type, title, body, data)
    values (%s, %s, 'A title', 'A body', '{}')
    returning id
"""
JOBS = "select queue, kind, args from gtr_jobs.jobs order by job_id"


@dataclass(frozen=True, slots=True)
class Scene:
    """A seller with a listing, and somebody who likes it."""

    seller: UUID
    buyer: UUID
    listing: UUID


@pytest.fixture
async def scene(admin: AsyncConnection) -> Scene:
    """A seller with a listing, and somebody who likes it."""
    seller = await create_person(admin, "nismo", "Nis Mo")
    buyer = await create_person(admin, "rb26", "Ruby Twentysix")
    # Not offered yet: that would be another job.
    listing = await create_listing(admin, seller, "R34 V-Spec", status="draft")
    return Scene(seller, buyer, listing)


async def test_a_signed_in_client_cannot_push_by_inserting_a_notification(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """The app's policy lets the row in; it causes no job."""
    async with as_user(api, scene.buyer):
        # No `returning`: the row is not the writer's to read.
        await api.execute(
            "insert into public.notifications (user_id, type, title)"
            " values (%s, 'listing_favorited', 'Spam')",
            (scene.seller,),
        )
    assert await fetch_value(admin, "select count(*) from public.notifications") == 1
    assert await count_jobs(admin) == 0


async def test_anybody_with_the_public_key_cannot_push_through_create_notification(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """The app's definer function writes the row as postgres for whoever calls it; it causes no job."""
    for caller in (as_anon(api), as_user(api, scene.buyer)):
        async with caller:
            await api.execute(
                "select public.create_notification(%s, 'listing_favorited', 'Spam', 'Spam', '{}')",
                (scene.seller,),
            )
    assert await fetch_value(admin, "select count(*) from public.notifications") == 2
    assert await count_jobs(admin) == 0


async def test_a_favourite_pushes_once_through_the_apps_own_trigger(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """The job names the notification that the app's trigger wrote, and holds nothing else."""
    async with as_user(api, scene.buyer):
        await favourite_listing(api, scene.listing, scene.buyer)
    row_id = await fetch_value(admin, "select id from public.notifications")
    assert await fetch_rows(admin, JOBS) == [("push", "listing_favorited", {"id": str(row_id)})]


async def test_a_program_with_the_secret_key_pushes(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """What service_role inserts through the API is server code."""
    async with as_service_role(api):
        row_id = await fetch_value(api, INSERT, scene.seller, "listing_favorited")
    assert await fetch_rows(admin, JOBS) == [("push", "listing_favorited", {"id": str(row_id)})]


async def test_the_projects_owner_pushes(admin: AsyncConnection, scene: Scene) -> None:
    """What postgres inserts itself (cron, a migration, the SQL editor) is server code."""
    row_id = await fetch_value(admin, INSERT, scene.seller, "listing_favorited")
    assert await fetch_rows(admin, JOBS) == [("push", "listing_favorited", {"id": str(row_id)})]


@pytest.mark.parametrize("kind", ["never_heard_of", "message", "", "LISTING_FAVORITED"])
async def test_a_type_that_is_no_kind_of_notification_pushes_nothing(
    admin: AsyncConnection, scene: Scene, kind: str
) -> None:
    """Types are the app's to invent; one that this trigger does not serve is no error either."""
    await admin.execute(INSERT, (scene.seller, kind))
    assert await count_jobs(admin) == 0
    assert await fetch_value(admin, "select count(*) from gtr_jobs.enqueue_errors") == 0


async def test_a_type_that_another_app_listed_as_this_triggers_is_pushed(
    admin: AsyncConnection, scene: Scene
) -> None:
    """Its row names the app first, and this trigger as what produces it; a longer name is another's."""
    await admin.execute(
        """
        insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)
        values
            ('price_drop', 'push', 'garage notifications_insert', 8),
            ('other_drop', 'push', 'garage other_notifications_insert', 8)
        """
    )
    await admin.execute(INSERT, (scene.seller, "other_drop"))
    row_id = await fetch_value(admin, INSERT, scene.seller, "price_drop")
    assert await fetch_rows(admin, JOBS) == [("push", "price_drop", {"id": str(row_id)})]


async def test_a_statement_pushes_for_the_rows_that_have_a_kind(
    admin: AsyncConnection, scene: Scene
) -> None:
    """One statement with rows of several types causes jobs for those that are served."""
    await admin.execute(
        """
        insert into public.notifications (user_id, type, title)
        select %s, case when n %% 2 = 0 then 'listing_favorited' else 'unheard_of' end, 'T'
        from generate_series(1, 10) as n
        """,
        (scene.seller,),
    )
    assert await fetch_rows(
        admin,
        """
        select n.type, count(*) from gtr_jobs.jobs as j
        join public.notifications as n on n.id = (j.args ->> 'id')::uuid
        group by n.type
        """,
    ) == [("listing_favorited", 5)]


async def test_an_app_whose_types_are_an_enum_pushes_as_well(
    admin: AsyncConnection, scene: Scene
) -> None:
    """The column's type is the app's affair: an enum's or a varchar's values are read as text."""
    await admin.execute("create type public.notification_type as enum ('listing_favorited')")
    await admin.execute(
        "alter table public.notifications alter column type"
        " type public.notification_type using type::public.notification_type"
    )
    await admin.execute(INSERT, (scene.seller, "listing_favorited"))
    assert await fetch_rows(admin, "select message from gtr_jobs.enqueue_errors") == []
    assert await count_jobs(admin) == 1
