"""gtr_jobs.record_delivery_report(): what a provider says later, in any order and as often as it likes."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.outgoing import Texting, start_texting

REPORTS = "select status, error_code from gtr_jobs.delivery_reports order by received_at, status"


@pytest.fixture
async def texting(api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection) -> Texting:
    """A worker that texts."""
    return await start_texting(api, admin, worker)


async def test_a_delivery_goes_as_far_as_it_is_told(texting: Texting) -> None:
    """By our id, or by what the provider calls it."""
    delivery_id = await texting.send()
    assert await texting.report(delivery_id, "sent") == "recorded"
    assert await texting.report(None, "delivered") == "recorded"
    assert await texting.states() == [("delivered", "accepted", "", "SM1", 1, False)]


async def test_a_status_never_goes_backwards(texting: Texting, admin: AsyncConnection) -> None:
    """What comes late is kept, and changes nothing."""
    delivery_id = await texting.send()
    told = [await texting.report(delivery_id, s) for s in ("delivered", "sent", "failed", "queued")]
    assert told == ["recorded", "older", "older", "older"]
    assert (await texting.states())[0][0] == "delivered"
    assert len(await fetch_rows(admin, REPORTS)) == 4


async def test_a_report_that_comes_ten_thousand_times_is_one(
    texting: Texting, admin: AsyncConnection
) -> None:
    """One row changes, once; here a hundred times, and no row is written anew."""
    delivery_id = await texting.send()
    assert await texting.report(delivery_id, "delivered") == "recorded"
    rows = "select xmin::text, ctid::text from gtr_jobs.deliveries"
    before = await fetch_rows(admin, rows)
    assert {await texting.report(delivery_id, "delivered") for _ in range(100)} == {"repeated"}
    assert await fetch_rows(admin, rows) == before
    assert await fetch_value(admin, "select count(*) from gtr_jobs.delivery_reports") == 1


async def test_an_unknown_status_is_kept(texting: Texting, admin: AsyncConnection) -> None:
    """It says no more than that the provider has the message."""
    delivery_id = await texting.send()
    assert await texting.report(delivery_id, "Teleported") == "recorded"
    assert await texting.report(delivery_id, "delivered") == "recorded"
    assert await fetch_rows(admin, REPORTS) == [("teleported", ""), ("delivered", "")]
    assert (await texting.states())[0][0] == "delivered"


async def test_a_report_is_proof_that_a_lost_answer_was_yes(
    texting: Texting, admin: AsyncConnection
) -> None:
    """While it is being sent: it is settled, nothing of it is left, and nobody may begin again."""
    delivery_id, job = await texting.claim()
    _, token = await texting.begin(delivery_id, job)
    assert await texting.report(delivery_id, "sent") == "recorded"
    assert await texting.states() == [("sent", "accepted", "", "SM1", 0, False)]
    assert await fetch_value(admin, "select data is null from gtr_jobs.outgoing")
    assert await texting.begin(delivery_id, job, is_resent=True) == ("settled", None)
    # The worker's own word, that nobody knows, comes too late.
    assert await texting.ack(
        delivery_id, job, token, "retry", state="unknown", outcome="ambiguous", provider_id=None
    )
    assert (await texting.states())[0][0] == "sent"
    assert await fetch_value(admin, "select settled_at is not null from gtr_jobs.outgoing")


async def test_what_was_never_sent_is_unknown(texting: Texting) -> None:
    """Neither a delivery that nobody knows nor one that was not begun."""
    delivery_id, _ = await texting.claim()
    assert await texting.report(delivery_id, "delivered") == "unknown"
    assert await texting.report(uuid4(), "delivered") == "unknown"
    assert await texting.report(None, "delivered", provider_id="SM9") == "unknown"


async def test_a_failure_has_its_code_and_a_landline_is_remembered(
    texting: Texting, admin: AsyncConnection
) -> None:
    """30006 is the carrier's word for it."""
    delivery_id = await texting.send()
    assert await texting.report(delivery_id, "undelivered", code="30006") == "recorded"
    assert await texting.states() == [("undelivered", "accepted", "30006", "SM1", 1, False)]
    assert await fetch_rows(admin, "select reason, source from gtr_jobs.suppressions") == [
        ("landline", "twilio")
    ]


async def test_a_price_is_counted_once(texting: Texting, admin: AsyncConnection) -> None:
    """Written as negative by the provider, told with every status, in the place of what was expected."""
    delivery_id = await texting.send()
    spend = "select messages, segments, price, expected, currency from gtr_jobs.spend"
    assert await fetch_rows(admin, spend) == [(1, 1, Decimal(0), Decimal("0.10000"), "")]
    for status in ("sent", "delivered", "delivered"):
        await texting.report(delivery_id, status, price="-0.0079")
    assert await fetch_rows(admin, spend) == [(1, 1, Decimal("0.00790"), Decimal(0), "USD")]


async def test_a_price_that_comes_after_the_last_status_is_counted_too(
    texting: Texting, admin: AsyncConnection
) -> None:
    """The status is known by then."""
    delivery_id = await texting.send()
    await texting.report(delivery_id, "delivered")
    assert await texting.report(delivery_id, "delivered", price="0.0079") == "repeated"
    assert await fetch_value(admin, "select price from gtr_jobs.spend") == Decimal("0.00790")
