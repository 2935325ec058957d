"""The optional file takes the app's hole away and leaves the app's own triggers their work."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.people import create_listing, create_person, favourite_listing

from gtr_jobs.app.database import read_optional_sql

INSERT = (
    "insert into public.notifications (user_id, type, title) values (%s, 'listing_favorited', 'T')"
)
CREATE = "select public.create_notification(%s, 'listing_favorited', 'T', 'B', '{}')"
# The app as it may also be: its trigger functions run as whoever caused them.
AS_INVOKERS = """
    do $$
    declare
        v_function regprocedure;
    begin
        for v_function in
            select p.oid from pg_proc as p
            where p.pronamespace = 'public'::regnamespace and p.prorettype = 'trigger'::regtype
        loop
            execute format('alter function %s security invoker', v_function);
        end loop;
    end
    $$
"""


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
    return Scene(seller, buyer, await create_listing(admin, seller, "R34 V-Spec", status="draft"))


async def _close(admin: AsyncConnection) -> None:
    await admin.execute(read_optional_sql("close_notification_hole").encode())


async def test_clients_can_write_no_notification_any_more(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """Neither by a plain insert nor through the function, signed in or not."""
    await _close(admin)
    for statement in (INSERT, CREATE):
        for caller in (as_anon(api), as_user(api, scene.buyer), as_user(api, scene.seller)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with caller:
                    await api.execute(statement.encode(), (scene.seller,))
    assert await fetch_value(admin, "select count(*) from public.notifications") == 0


@pytest.mark.parametrize("are_invokers", [False, True])
async def test_the_apps_own_triggers_still_write_and_push(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene, are_invokers: bool
) -> None:
    """A favourite tells the seller, whether the app's trigger functions were definers before or not."""
    if are_invokers:
        await admin.execute(AS_INVOKERS)
    await _close(admin)
    async with as_user(api, scene.buyer):
        await favourite_listing(api, scene.listing, scene.buyer)
    assert await fetch_rows(admin, "select user_id, type from public.notifications") == [
        (scene.seller, "listing_favorited")
    ]
    assert await count_jobs(admin) == 1


async def test_server_code_still_writes_and_pushes(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """The secret key and the project's owner, both ways."""
    await _close(admin)
    for statement in (INSERT, CREATE):
        async with as_service_role(api):
            await api.execute(statement.encode(), (scene.seller,))
        await admin.execute(statement.encode(), (scene.seller,))
    assert await fetch_value(admin, "select count(*) from public.notifications") == 4


async def test_people_still_read_and_change_what_is_theirs(
    api: AsyncConnection, admin: AsyncConnection, scene: Scene
) -> None:
    """Only writing new rows is taken from clients."""
    await admin.execute(INSERT, (scene.seller,))
    await _close(admin)
    async with as_user(api, scene.seller):
        cursor = await api.execute("update public.notifications set is_read = true where true")
        assert cursor.rowcount == 1
        cursor = await api.execute("delete from public.notifications where true")
        assert cursor.rowcount == 1


async def test_other_policies_are_left_as_they_are(admin: AsyncConnection, scene: Scene) -> None:
    """A policy that checks something is the app's own rule."""
    await admin.execute(
        'create policy "Only greetings" on public.notifications for insert'
        " with check (type = 'greeting')"
    )
    query = "select policyname, cmd from pg_policies where tablename = 'notifications' order by 1"
    before = await fetch_rows(admin, query)
    await _close(admin)
    after = await fetch_rows(admin, query)
    assert set(before) - set(after) == {("System can create notifications", "INSERT")}
    assert set(after) <= set(before)


async def test_closing_twice_is_closing_once(admin: AsyncConnection, scene: Scene) -> None:
    """Run again, it finds nothing to do."""
    await _close(admin)
    rights = "select proname, prosecdef, proconfig, proacl::text from pg_proc where pronamespace = 'public'::regnamespace order by 1"
    before = await fetch_rows(admin, rights)
    await _close(admin)
    assert await fetch_rows(admin, rights) == before
