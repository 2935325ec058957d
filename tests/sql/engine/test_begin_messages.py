"""gtr_jobs.begin_messages(): what is written before a provider is called, and when it may not be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from psycopg import AsyncConnection
from support.jobs import claim, fall_silent, fetch_rows, fetch_value, register_worker
from support.outgoing import Texting, start_texting


@pytest.fixture
async def texting(api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection) -> Texting:
    """A worker that texts."""
    return await start_texting(api, admin, worker)


async def test_the_ledger_says_that_it_is_being_sent(
    texting: Texting, admin: AsyncConnection
) -> None:
    """Before anybody is called; the attempt has a name and an end."""
    delivery_id, job = await texting.claim()
    verdict, token = await texting.begin(delivery_id, job)
    assert verdict == "send"
    assert await texting.states() == [("sending", None, "", None, 0, False)]
    assert await fetch_rows(
        admin,
        "select attempt_token, provider, country, segments, expected_price,"
        " round(extract(epoch from deadline - attempted_at)) from gtr_jobs.outgoing",
    ) == [(token, "twilio", "US", 1, Decimal("0.10000"), 20)]


async def test_it_is_begun_once(texting: Texting) -> None:
    """While nobody knows how an attempt ended, only proof that it was not taken begins another; once."""
    delivery_id, job = await texting.claim()
    await texting.begin(delivery_id, job)
    assert await texting.begin(delivery_id, job) == ("settled", None)
    verdict, _ = await texting.begin(delivery_id, job, is_resent=True)
    assert verdict == "send"
    assert await texting.states() == [("sending", None, "", None, 1, True)]
    assert await texting.begin(delivery_id, job, is_resent=True) == ("settled", None)


async def test_whoever_lost_its_claim_begins_nothing(
    texting: Texting, admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Its job is another worker's by now."""
    delivery_id, job = await texting.claim()
    await fall_silent(admin, texting.worker_id)
    await fetch_rows(worker, "select gtr_jobs.rescue_jobs('30 s', 10)")
    assert await texting.begin(delivery_id, job) == ("lost", None)
    other = await register_worker(worker)
    (again,) = await claim(worker, other, queue="sms")
    assert await texting.begin(delivery_id, again) == ("lost", None)
    assert await texting.states() == []


async def test_an_ack_of_another_attempt_writes_no_end(
    texting: Texting, admin: AsyncConnection
) -> None:
    """What a message is filled with stays until its own attempt ends."""
    delivery_id, job = await texting.claim()
    _, first = await texting.begin(delivery_id, job)
    _, second = await texting.begin(delivery_id, job, is_resent=True)
    assert first != second
    await texting.ack(
        delivery_id, job, first, state="unknown", outcome="ambiguous", provider_id=None
    )
    assert await fetch_value(
        admin, "select data is not null and deadline > now() from gtr_jobs.outgoing"
    )


async def test_a_day_has_its_budget(texting: Texting, admin: AsyncConnection) -> None:
    """What has no price yet counts as what it is expected to cost; nothing is written for what is over it."""
    verdicts = []
    for _ in range(4):
        delivery_id, job = await texting.claim()
        verdicts.append((await texting.begin(delivery_id, job, segments=2, budget="0.50"))[0])
    assert verdicts == ["send", "send", "over_budget", "over_budget"]
    assert len(await texting.states()) == 2
    assert await fetch_rows(admin, "select messages, expected from gtr_jobs.spend") == [
        (2, Decimal("0.40000"))
    ]


async def test_a_country_has_its_own(texting: Texting) -> None:
    """Others go on."""
    verdicts = []
    for country in ("DE", "DE", "US"):
        delivery_id, job = await texting.claim()
        begun = await texting.begin(
            delivery_id, job, country=country, countries={"DE": "0.15"}, budget="9"
        )
        verdicts.append(begun[0])
    assert verdicts == ["send", "over_country_budget", "send"]


async def test_a_price_that_was_told_is_what_the_next_is_expected_to_cost(
    texting: Texting, admin: AsyncConnection
) -> None:
    """A guess is for countries of which nothing is known."""
    first = await texting.send()
    await texting.report(first, "sent", price="-0.0079")
    delivery_id, job = await texting.claim()
    await texting.begin(delivery_id, job, segments=3)
    assert await fetch_value(
        admin, "select expected_price from gtr_jobs.outgoing where delivery_id = %s", delivery_id
    ) == Decimal("0.02370")


async def test_what_was_refused_costs_nothing(texting: Texting, admin: AsyncConnection) -> None:
    """It is taken out of the books again."""
    delivery_id, job = await texting.claim()
    _, token = await texting.begin(delivery_id, job)
    await texting.ack(
        delivery_id, job, token, state="failed", outcome="rejected", code="21617", provider_id=None
    )
    assert await fetch_rows(admin, "select messages, segments, expected from gtr_jobs.spend") == [
        (0, 0, Decimal(0))
    ]
    assert await fetch_value(admin, "select data is null from gtr_jobs.outgoing")
