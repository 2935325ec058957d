"""Rates that workers share: leased in slices, kept by all of them together."""

from __future__ import annotations

import asyncio
import time

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Engine, run_engine
from support.jobs import fetch_value
from support.switches import clear_switch, set_switch

RATE = 50


async def test_two_workers_keep_a_rate_within_five_per_cent(
    engine: Engine, admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Fifty a second between them, one token at a time, over six seconds; and far fewer queries than tokens."""
    await set_switch(admin, "rate", "provider", "fcm", RATE)
    taken: list[float] = []
    leases: list[int] = []
    async with run_engine(database, admin) as other:
        for one in (engine, other):
            await one.context.switchboard.fresh()

        async def send(one: Engine, until: float) -> None:
            reader = one.context.rates._reader
            lease = reader.lease_tokens

            async def counted(scope: str, name: str, wanted: int, *quota: object) -> object:
                leases.append(wanted)
                return await lease(scope, name, wanted)

            reader.lease_tokens = counted  # type: ignore[method-assign, assignment]
            while time.monotonic() < until:
                assert await one.context.rates.take("provider", "fcm", 1, within=5)
                taken.append(time.monotonic())

        until = time.monotonic() + 7
        await asyncio.gather(*(send(one, until) for one in (engine, other)))
    # After the first second: what was saved up at the beginning is gone by then.
    begin = taken[0] + 1
    counted = [moment for moment in sorted(taken) if begin <= moment <= begin + 5.5]
    assert len(counted) == pytest.approx(5.5 * RATE, rel=0.05)
    assert len(leases) < len(taken) / 2


async def test_where_no_rate_is_set_nothing_is_asked(engine: Engine) -> None:
    """Whatever is wanted may be sent, at once and without a query."""
    engine.context.rates._reader = None  # type: ignore[assignment]
    assert await engine.context.rates.take("provider", "fcm", 10_000, within=0)


async def test_what_cannot_be_had_in_time_is_given_up(
    engine: Engine, admin: AsyncConnection
) -> None:
    """And what was gathered so far is left to the next who asks."""
    await set_switch(admin, "rate", "channel", "push", 5)
    await engine.context.switchboard.fresh()
    rates = engine.context.rates
    assert not await rates.take("channel", "push", 1000, within=0.3)
    assert await rates.take("channel", "push", 1, within=5)


async def test_whoever_asks_first_is_served_first(engine: Engine, admin: AsyncConnection) -> None:
    """Also where those behind ask for less."""
    await set_switch(admin, "rate", "channel", "push", 40)
    await engine.context.switchboard.fresh()
    served: list[int] = []

    async def ask(count: int) -> None:
        assert await engine.context.rates.take("channel", "push", count, within=10)
        served.append(count)

    asked = []
    for count in (20, 1, 5):
        asked.append(asyncio.create_task(ask(count)))
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert served == [20, 1, 5]


async def test_a_rate_that_is_taken_away_lets_everybody_go(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Those who wait by then too."""
    await set_switch(admin, "rate", "channel", "push", 0.1)
    await engine.context.switchboard.fresh()
    waiting = asyncio.create_task(engine.context.rates.take("channel", "push", 500, within=10))
    await engine.until("select count(*) from gtr_jobs.rate_buckets", 1)
    await clear_switch(admin, "rate", "channel", "push")
    assert await waiting


async def test_a_lost_connection_costs_a_while_and_no_token_too_many(
    engine: Engine, admin: AsyncConnection
) -> None:
    """It is asked for again."""
    await set_switch(admin, "rate", "channel", "push", 20)
    await engine.context.switchboard.fresh()
    assert await engine.context.rates.take("channel", "push", 5, within=5)
    await engine.end_connections()
    assert await engine.context.rates.take("channel", "push", 20, within=10)
    next_token = "select next_token_at > now() - interval '1 s' from gtr_jobs.rate_buckets"
    assert await fetch_value(admin, next_token) is True
