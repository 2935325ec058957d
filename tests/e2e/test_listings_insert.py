"""A listing that is offered becomes a push on the phones of those who saved a search that it fits."""

from __future__ import annotations

import asyncio

from support.api import as_user
from support.people import save_search
from support.searches import R34_TITLE, offer_r34
from support.way import Way

from gtr_jobs.dev.standins.screen import Shown, show

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_who_looks_for_such_a_car_is_told_once_on_every_phone(way: Way) -> None:
    """One notification and one push a device, however many searches fit; the seller and others hear nothing."""
    mia = await way.add_person("mia", "Mia Rossi", "fcm")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns")
    ken = await way.add_person("ken", "Ken Block", "expo")
    await save_search(way.connection, mia.user_id, "My own cars", model="R34")
    await save_search(way.connection, leo.user_id, "R34 in California", model="R34", state="CA")
    await save_search(way.connection, leo.user_id, "Any V-Spec", search_query="v-spec")
    await save_search(way.connection, ken.user_id, "R34 for a song", model="R34", max_price=100)
    worker = await way.start_worker()

    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    async with as_user(way.connection, mia.user_id, headers=headers) as connection:
        listing = await offer_r34(connection, mia.user_id)
    accepted = await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()

    expected = Shown(
        title='New listing for "R34 in California"',
        body=R34_TITLE,
        badge=1,
        thread="saved-searches",
        collapse_id=f"saved_search_match-{listing}",
        url=f"gtr-marketplace://listings/{listing}",
    )
    assert [show(entry) for entry in accepted] == [expected, expected]
    assert {entry.token for entry in way.providers.ledger.entries()} == set(leo.tokens.values())
    assert await way.fetch("select user_id, type from public.notifications") == [
        (leo.user_id, "saved_search_match")
    ]
    assert await way.deliveries() == [
        (provider, "sent", "accepted", "", 1, False) for provider in ("apns", "fcm")
    ]
    # One trace id leads from the call that wrote the listing to the providers' answers.
    assert await way.fetch("select distinct trace_id from gtr_jobs.deliveries") == [(TRACE_ID,)]
    (record,) = await way.wait_for_records(worker, 1, event="searches.matched")
    assert (record["trace_id"], record["fitting"], record["told"]) == (TRACE_ID, 1, 1)


async def test_a_worker_for_messages_alone_leaves_listings_to_another(way: Way) -> None:
    """The match queue is one that a worker can be told to drain, or not to."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    await save_search(way.connection, leo.user_id, "R34", model="R34")
    await way.start_worker("--queues", "push")
    await offer_r34(way.connection, mia.user_id)
    conversation = await way.add_conversation(mia, leo)
    await way.fetch(
        "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
        " values (%s, %s, %s, 'Hello')",
        conversation,
        mia.user_id,
        leo.user_id,
    )
    (entry,) = await way.providers.ledger.wait_for(1)
    assert show(entry).title == "Mia Rossi"
    assert await way.fetch(
        "select queue, status::text from gtr_jobs.jobs where queue = 'match'"
    ) == [("match", "todo")]

    await way.start_worker("--queues", "match")
    await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()


async def test_a_listing_that_cannot_be_told_of_does_not_keep_others(way: Way) -> None:
    """A job that names nothing is dead; one that the app refuses is tried again; the one beside them is done."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    await save_search(way.connection, leo.user_id, "R34", model="R34")
    await way.connection.execute(
        "alter table public.notifications add check (body <> 'canaryzebra')"
    )
    await way.fetch(
        "select gtr_jobs.enqueue(array[gtr_jobs.job('match_saved_searches', '{\"id\": 7}', 'odd')])"
    )
    await offer_r34(way.connection, mia.user_id, title="canaryzebra")
    await offer_r34(way.connection, mia.user_id)
    worker = await way.start_worker()
    (entry,) = await way.providers.ledger.wait_for(1)
    (record,) = await way.wait_for_records(worker, 1, event="jobs.handler_failed")

    assert show(entry).body == R34_TITLE
    assert (record["queue"], record["error"], record["sqlstate"], record["jobs"]) == (
        "match",
        "CheckViolation",
        "23514",
        1,
    )
    async with asyncio.timeout(10):
        while await way.fetch("select 1 from gtr_jobs.jobs where status = 'doing'"):
            await asyncio.sleep(0.01)
    assert await worker.stop() == 0
    # Once, or more often where the machine was slow: each of them was told of.
    tries = len(worker.records_of("jobs.handler_failed"))
    assert await way.fetch("select queue, attempts from gtr_jobs.jobs") == [("match", tries)]
    assert await way.fetch("select queue, kind, code from gtr_jobs.dead_jobs") == [
        ("match", "match_saved_searches", "bad_arguments")
    ]
    assert [line for line in worker.log if "canaryzebra" in line] == []
