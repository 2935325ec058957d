"""gtr_jobs.read_app_devices(): where people can be reached; of the dead tells engine/test_ack_deliveries.py."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.devices import make_expo_token, read_tokens, register_app_device
from support.jobs import fetch_rows, fetch_value
from support.people import create_device, create_person
from support.scans import reads_of

QUERY = """
    select user_id, device_id, device_token, registered_at, app, apns_environment
    from gtr_jobs.read_app_devices(%s)
"""


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.fixture
async def other(admin: AsyncConnection) -> UUID:
    """Somebody else."""
    return await create_person(admin, "sung", "Sung Kang")


async def test_the_newest_ten_devices_are_read(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Newest first, by the last registration and not by the first; what a script piled up is left."""
    tokens = [make_expo_token(number) for number in range(12)]
    for token in tokens:
        await create_device(admin, person, token)
    await admin.execute(
        "update public.user_device_tokens set platform = 'ios' where device_token = %s",
        (tokens[0],),
    )
    assert await read_tokens(worker, person) == [tokens[0], *tokens[11:2:-1]]


async def test_a_device_is_read_whole(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Its row, its token and when we saw it registered, whatever the client says of that."""
    token = make_expo_token("a")
    device_id = await create_device(admin, person, token)
    seen_at = await fetch_value(admin, "select seen_at from gtr_jobs.devices")
    await admin.execute("alter table public.user_device_tokens disable trigger user")
    await admin.execute("update public.user_device_tokens set updated_at = '2999-01-01' where true")
    assert await fetch_rows(worker, QUERY, [person]) == [
        (person, device_id, token, seen_at, "default", None)
    ]


async def test_a_device_of_another_app_is_read_with_its_app_and_host(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """And is not there for workers of before there were several apps: they would send it with another's keys."""
    await register_app_device(api, person, "0a" * 32, "dealer", p_apns_environment="sandbox")
    await create_device(admin, person, "0b" * 32)
    rows = await fetch_rows(worker, QUERY, [person])
    assert [(token, app, host) for _, _, token, _, app, host in rows] == [
        ("0b" * 32, "default", None),
        ("0a" * 32, "dealer", "sandbox"),
    ]
    assert await read_tokens(worker, person) == ["0b" * 32]


async def test_each_person_is_read_their_own(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """Several people are one question."""
    mine = await create_device(admin, person, make_expo_token("mine"))
    theirs = await create_device(admin, other, make_expo_token("theirs"))
    rows = await fetch_rows(worker, QUERY, [person, other])
    assert {(user_id, device_id) for user_id, device_id, *_ in rows} == {
        (person, mine),
        (other, theirs),
    }


async def test_a_device_that_is_silent_is_not_read(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """What has no shape of a token is kept in the app's table and left alone."""
    await create_device(admin, person, "no token at all")
    assert await read_tokens(worker, person) == []


async def test_a_registration_that_was_not_noted_takes_the_device_all_the_same(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """Where our trigger failed, the account before gets nothing on a phone that is not theirs now."""
    await create_device(admin, person, make_expo_token("shared"))
    await admin.execute("alter table public.user_device_tokens disable trigger user")
    await create_device(admin, other, make_expo_token("shared"))
    assert await read_tokens(worker, person, other) == []


async def test_a_row_that_was_given_to_another_account_is_not_read_for_the_first(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """Our note of a row and the row itself must name the same person."""
    await create_device(admin, person, make_expo_token("a"))
    await admin.execute("alter table public.user_device_tokens disable trigger user")
    await admin.execute("update public.user_device_tokens set user_id = %s where true", (other,))
    assert await read_tokens(worker, person, other) == []


async def test_a_device_that_was_known_as_dead_before_stays_dead(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Until 0005 the dead were all that was known: taking note of them revives none."""
    device_id = await create_device(admin, person, make_expo_token("a"))
    await admin.execute("delete from gtr_jobs.devices")
    await admin.execute(
        "insert into gtr_jobs.devices (device_id, dead_since, dead_reason, dead_registration)"
        " select id, now(), 'Unregistered', updated_at from public.user_device_tokens where id = %s",
        (device_id,),
    )
    assert await fetch_value(admin, "select gtr_jobs.note_missed_devices()") == 1
    assert await read_tokens(worker, person) == []
    assert await fetch_value(admin, "select dead_reason from gtr_jobs.devices") == "Unregistered"
    await admin.execute("update public.user_device_tokens set platform = 'ios' where true")
    assert await read_tokens(worker, person) == [make_expo_token("a")]


@pytest.mark.parametrize(
    ("registered_in", "is_now", "is_read"),
    [
        ("production", "production", True),
        ("production", "staging", False),
        (None, "staging", True),
        ("production", None, True),
    ],
)
async def test_a_copy_of_another_environment_reaches_none_of_its_phones(
    admin: AsyncConnection,
    worker: AsyncConnection,
    person: UUID,
    registered_in: str | None,
    is_now: str | None,
    is_read: bool,
) -> None:
    """Production restored as staging has the tokens of real people: they count when they register there."""
    rename = "update gtr_jobs.installation set environment = %s where only_row"
    await admin.execute(rename, (registered_in,))
    await create_device(admin, person, make_expo_token("a"))
    await admin.execute(rename, (is_now,))
    assert bool(await read_tokens(worker, person)) is is_read
    await admin.execute("update public.user_device_tokens set platform = 'ios' where true")
    assert await read_tokens(worker, person) == [make_expo_token("a")]


async def test_people_without_devices_are_not_in_the_answer(
    worker: AsyncConnection, person: UUID
) -> None:
    """Nor are those that nobody knows, nor is nobody."""
    assert await read_tokens(worker, person, uuid4()) == []
    assert await read_tokens(worker) == []


@pytest.mark.parametrize("is_analyzed", [False, True])
async def test_reading_devices_finds_them_by_index(
    admin: AsyncConnection, person: UUID, is_analyzed: bool
) -> None:
    """Ten people of thousands: no table is read through."""
    await admin.execute(
        """
        with people as (
            insert into auth.users (id, email, created_at, updated_at)
            select gen_random_uuid(), n || '@example.test', now(), now()
            from generate_series(1, 5000) as n
            returning id
        )
        insert into public.user_device_tokens (user_id, device_token, platform)
        select p.id, 'ExponentPushToken[' || p.id || n || ']', 'ios'
        from people as p cross join generate_series(1, 2) as n
        """
    )
    if is_analyzed:
        await admin.execute("analyze public.user_device_tokens, gtr_jobs.devices")
    await create_device(admin, person, make_expo_token("own"))
    reads = await reads_of(
        admin,
        "select gtr_jobs.read_devices(array(select user_id from public.user_device_tokens limit 10))",
    )
    # The one scan is the test's own, for ten people.
    assert reads.tables.get("public.user_device_tokens", 0) <= 20
    assert reads.indexes["gtr_jobs.devices_living"] <= 40
    assert reads.indexes["public.gtr_jobs_user_device_tokens_token"] <= 40
    assert max(reads.indexes.values()) <= 80
