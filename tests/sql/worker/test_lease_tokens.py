"""gtr_jobs.lease_tokens(): a rate that all workers share, by the clock of the database."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows
from support.switches import clear_switch, set_switch


async def _lease(
    connection: AsyncConnection, wanted: int, name: str = "fcm"
) -> tuple[int, float, float | None]:
    ((granted, starts_in, per_second),) = await fetch_rows(
        connection,
        "select granted, starts_in, per_second from gtr_jobs.lease_tokens('provider', %s, %s)",
        name,
        wanted,
    )
    return granted, starts_in, per_second


async def _move_bucket(admin: AsyncConnection, seconds: float) -> None:
    """Make as if so much time had passed since the last lease."""
    await admin.execute(
        "update gtr_jobs.rate_buckets set next_token_at = next_token_at - make_interval(secs => %s)",
        (seconds,),
    )


async def test_where_no_rate_is_set_all_are_granted(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """At once, and nothing is written; also when it was taken away."""
    assert await _lease(worker, 1000) == (1000, 0, None)
    assert await fetch_rows(admin, "select 1 from gtr_jobs.rate_buckets") == []
    await set_switch(admin, "rate", "provider", "fcm", 1)
    await clear_switch(admin, "rate", "provider", "fcm")
    assert await _lease(worker, 1000) == (1000, 0, None)


async def test_a_lease_is_a_slice_and_no_more_than_was_asked_for(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """0.2 s worth, one at least; those of another name are another bucket's."""
    await set_switch(admin, "rate", "provider", "fcm", 50)
    await set_switch(admin, "rate", "provider", "apns", 0.01)
    assert [(await _lease(worker, wanted))[0] for wanted in (3, 1000)] == [3, 10]
    assert (await _lease(worker, 1000, "apns"))[::2] == (1, 0.01)


async def test_leases_follow_one_another_at_the_rate(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Each begins where the one before it ends; none is granted more than half a second ahead."""
    await set_switch(admin, "rate", "provider", "fcm", 10)
    leases = [await _lease(worker, 2) for _ in range(30)]
    granted = [starts_in for got, starts_in, _ in leases if got]
    assert all(starts_in <= 0.5 for starts_in in granted)
    refused = [starts_in for got, starts_in, _ in leases if not got]
    assert refused
    assert all(0.5 < starts_in <= 0.7 for starts_in in refused)


async def test_what_was_not_used_is_saved_up_for_a_quarter_of_a_second_only(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """After an hour without any, no burst of an hour's tokens."""
    await set_switch(admin, "rate", "provider", "fcm", 40)
    await _lease(worker, 1)
    await _move_bucket(admin, 3600)
    owed = 0
    while True:
        granted, starts_in, _ = await _lease(worker, 1)
        if starts_in > 0:
            break
        owed += granted
    # Ten are owed; more only for what passed while they were asked for.
    assert 10 <= owed <= 40


@pytest.mark.parametrize("ahead", [60, 3600 * 24])
async def test_a_clock_that_was_set_back_stops_nothing(
    admin: AsyncConnection, worker: AsyncConnection, ahead: int
) -> None:
    """Nor does a rate that was far lower until now: the bucket never leads far ahead."""
    await set_switch(admin, "rate", "provider", "fcm", 50)
    await _lease(worker, 1)
    await _move_bucket(admin, -ahead)
    granted, starts_in, _ = await _lease(worker, 1)
    assert granted == 0
    assert 0.5 < starts_in <= 0.7
    ((led,),) = await fetch_rows(
        admin, "select next_token_at < now() + interval '1 s' from gtr_jobs.rate_buckets"
    )
    assert led


async def test_many_who_lease_at_the_same_time_get_no_token_twice(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """The bucket moves on by exactly what was granted to all of them."""
    await set_switch(admin, "rate", "provider", "fcm", 1000)
    async with await database.connect_async("gtr_worker") as first:
        await _lease(first, 1)
    ((begun,),) = await fetch_rows(admin, "select next_token_at from gtr_jobs.rate_buckets")

    async def lease_often() -> int:
        async with await database.connect_async("gtr_worker") as connection:
            return sum([(await _lease(connection, 1))[0] for _ in range(50)])

    granted = sum(await asyncio.gather(*(lease_often() for _ in range(4))))
    ((ended,),) = await fetch_rows(admin, "select next_token_at from gtr_jobs.rate_buckets")
    # What was owed and not asked for in time only moves it further.
    assert (ended - begun).total_seconds() * 1000 >= granted - 0.01
    assert granted == 200


async def _lease_of(
    connection: AsyncConnection, wanted: int, default: float, grow_seconds: float
) -> tuple[int, float]:
    ((granted, per_second),) = await fetch_rows(
        connection,
        "select granted, per_second from gtr_jobs.lease_tokens_of('provider', 'fcm', %s, %s, %s)",
        wanted,
        default,
        grow_seconds,
    )
    return granted, per_second


async def test_a_published_rate_holds_where_no_operator_set_one(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """An operator's takes its place, higher or lower."""
    assert await _lease_of(worker, 1000, 600.0, 0.0) == (120, 600.0)
    await set_switch(admin, "rate", "provider", "fcm", 50)
    assert (await _lease_of(worker, 1000, 600.0, 60.0))[1] == 50.0


async def test_a_published_rate_grows_from_a_twentieth_and_begins_anew_after_an_idle_time(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Half a minute later it is about half; a minute of silence begins at the bottom again."""
    assert (await _lease_of(worker, 1, 1000.0, 60.0))[1] == pytest.approx(50, abs=10)
    await admin.execute("update gtr_jobs.rate_buckets set grows_since = now() - interval '30 s'")
    assert (await _lease_of(worker, 1, 1000.0, 60.0))[1] == pytest.approx(525, abs=20)
    await admin.execute("update gtr_jobs.rate_buckets set grows_since = now() - interval '1 h'")
    assert (await _lease_of(worker, 1, 1000.0, 60.0))[1] == 1000.0
    await _move_bucket(admin, 61)
    assert (await _lease_of(worker, 1, 1000.0, 60.0))[1] == pytest.approx(50, abs=10)
