"""Server code notifies people, and their phones show it."""

from __future__ import annotations

from support.api import as_service_role
from support.people import create_listing
from support.way import Way

from gtr_jobs.dev.standins.screen import Shown, show


async def test_server_code_reaches_a_phone_once_a_key(way: Way) -> None:
    """A call that is repeated under its key, because its answer was lost, is one row and one push."""
    mia = await way.add_person("mia", "Mia Rossi", "apns")
    listing = await create_listing(way.connection, mia.user_id, "R34")
    await way.start_worker()

    for _ in range(2):
        async with as_service_role(way.connection) as connection:
            await connection.execute(
                "select public.notify_user(%s, 'listing_favorited',"
                " jsonb_build_object('listing_id', %s::text, 'title', 'Ten people like your R34'), 'k-1')",
                [mia.user_id, str(listing)],
            )
    (entry,) = await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()

    assert show(entry) == Shown(
        title="Ten people like your R34",
        body="",
        badge=1,
        thread=f"listing-{listing}",
        collapse_id=f"listing_favorited-{listing}",
        url=f"gtr-marketplace://listings/{listing}",
    )
    assert len(way.providers.ledger.entries()) == 1
    assert await way.fetch("select count(*) from public.notifications") == [(1,)]


async def test_many_people_get_one_push_each(way: Way) -> None:
    """Three phones, one call, one person named twice."""
    people = [await way.add_person(name, name, "fcm") for name in ("mia", "leo", "ana")]
    ids = [person.user_id for person in people]
    listing = await create_listing(way.connection, ids[0], "R34")
    await way.start_worker()

    async with as_service_role(way.connection) as connection:
        await connection.execute(
            "select public.notify_users(%s, 'listing_favorited', jsonb_build_object('listing_id', %s::text))",
            [[*ids, ids[0]], str(listing)],
        )
    await way.providers.ledger.wait_for(3)
    await way.wait_until_settled()

    reached = sorted(entry.token for entry in way.providers.ledger.entries())
    assert reached == sorted(person.tokens["fcm"] for person in people)
