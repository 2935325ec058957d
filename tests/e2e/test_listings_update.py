"""A listing that becomes active is told to those who look for it, once however often it does."""

from __future__ import annotations

from support.api import as_user
from support.people import save_search
from support.searches import offer_r34
from support.way import Way

from gtr_jobs.dev.standins.screen import show


async def test_a_draft_that_is_offered_is_told_and_never_again(way: Way) -> None:
    """Sold and offered again, dearer and cheaper, the notification deleted: one row and one push in all."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    await save_search(way.connection, leo.user_id, "R34", model="R34")
    listing = await offer_r34(way.connection, mia.user_id, status="draft")
    await way.start_worker()

    async def change(statement: str) -> None:
        async with as_user(way.connection, mia.user_id) as connection:
            await connection.execute(
                f"update public.listings set {statement} where id = %s".encode(), (listing,)
            )
        await way.wait_until_settled()

    await change("price = 90000")
    assert way.providers.ledger.entries() == []
    await change("status = 'active'")
    (entry,) = await way.providers.ledger.wait_for(1)
    assert show(entry).title == 'New listing for "R34"'
    await way.wait_until_settled()
    await way.fetch("delete from public.notifications")
    for statement in ("status = 'sold'", "status = 'active'", "price = 1", "title = 'R34, cheap'"):
        await change(statement)

    assert len(way.providers.ledger.entries()) == 1
    assert await way.fetch("select count(*) from public.notifications") == [(0,)]
    ended = await way.fetch(
        "select kind, ended::text, count(*)::integer from gtr_jobs.job_history group by 1, 2 order by 1"
    )
    assert ended == [("match_saved_searches", "done", 2), ("saved_search_match", "done", 1)]
