"""A row in public.notifications becomes a push, if the app's own code wrote it."""

from __future__ import annotations

import psycopg
from support.api import as_anon, as_service_role, as_user
from support.people import create_listing, favourite_listing
from support.way import Person, Way

from gtr_jobs.dev.standins.screen import Shown, show

_INSERT = """
    insert into public.notifications (user_id, type, title, body, data)
    values (%s, 'listing_favorited', %s, 'text', '{}')
"""


async def test_a_favourite_tells_the_owner_of_the_listing(way: Way) -> None:
    """The app's trigger writes the notification, and the owner's phone shows it with a link."""
    mia = await way.add_person("mia", "Mia Rossi", "fcm")
    leo = await way.add_person("leo", "Leo Tanaka")
    listing = await create_listing(way.connection, mia.user_id, "R34")
    await way.start_worker()

    async with as_user(way.connection, leo.user_id):
        await favourite_listing(way.connection, listing, leo.user_id)
    (entry,) = await way.providers.ledger.wait_for(1)

    ((title, body),) = await way.fetch("select title, body from public.notifications")
    assert show(entry) == Shown(
        title=title,
        body=body,
        badge=1,
        thread=f"listing-{listing}",
        collapse_id=f"listing_favorited-{listing}",
        url=f"gtr-marketplace://listings/{listing}",
    )


async def test_what_a_client_writes_itself_pushes_nothing(way: Way) -> None:
    """Rows by authenticated and through create_notification by anon stay silent; server code's push."""
    mia = await way.add_person("mia", "Mia Rossi", "apns")
    leo = await way.add_person("leo", "Leo Tanaka")
    await way.start_worker()

    async with as_user(way.connection, leo.user_id) as connection:
        await connection.execute(_INSERT, [mia.user_id, "by a client"])
    async with as_anon(way.connection) as connection:
        await _call_create_notification(connection, mia)
    async with as_service_role(way.connection) as connection:
        await connection.execute(_INSERT, [mia.user_id, "by server code"])
    await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()

    assert [show(entry).title for entry in way.providers.ledger.entries()] == ["by server code"]
    titles = await way.fetch("select title from public.notifications order by title")
    assert titles == [("by a client",), ("by anybody",), ("by server code",)]


async def _call_create_notification(connection: psycopg.AsyncConnection, person: Person) -> None:
    await connection.execute(
        "select public.create_notification(%s, 'listing_favorited', 'by anybody', 'text', '{}')",
        [person.user_id],
    )
