"""gtr_jobs.read_devices(): where people can be reached; of the dead tells engine/test_ack_deliveries.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.people import create_device, create_person
from support.scans import reads_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def _read(connection: AsyncConnection, *people: UUID) -> list[tuple[UUID, str]]:
    rows = await fetch_rows(
        connection,
        "select user_id, device_token from gtr_jobs.read_devices(%s)",
        list(people),
    )
    return [(user_id, token) for user_id, token in rows]


async def _register(
    admin: AsyncConnection, user_id: UUID, token: str, hours: float = 0, updated: float = 0
) -> UUID:
    device_id = await create_device(admin, user_id, token)
    await admin.execute("alter table public.user_device_tokens disable trigger user")
    await admin.execute(
        "update public.user_device_tokens set created_at = %s, updated_at = %s where id = %s",
        (START + timedelta(hours=hours), START + timedelta(hours=max(hours, updated)), device_id),
    )
    return device_id


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.fixture
async def other(admin: AsyncConnection) -> UUID:
    """Somebody else."""
    return await create_person(admin, "sung", "Sung Kang")


async def test_the_newest_twenty_devices_are_read(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Newest first, by the last registration and not by the first; what a script piled up is left."""
    for number in range(25):
        await _register(admin, person, f"token-{number:02}", hours=number)
    await _register(admin, person, "old-but-back", hours=-100, updated=100)
    assert await _read(worker, person) == [
        (person, "old-but-back"),
        *((person, f"token-{number:02}") for number in range(24, 5, -1)),
    ]


async def test_a_device_is_read_whole(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Its row, its token and when it was last registered."""
    device_id = await _register(admin, person, "a-token", hours=1, updated=2)
    assert await fetch_rows(
        worker,
        "select user_id, device_id, device_token, registered_at from gtr_jobs.read_devices(%s)",
        [person],
    ) == [(person, device_id, "a-token", START + timedelta(hours=2))]


async def test_a_device_of_two_accounts_is_its_last_registrants(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """Somebody signed out without the app saying so, and another signed in on the same phone."""
    await _register(admin, person, "shared", hours=0)
    await _register(admin, other, "shared", hours=1)
    await _register(admin, person, "own", hours=0)
    assert await _read(worker, person, other) == [(person, "own"), (other, "shared")]


async def test_a_device_goes_back_to_whoever_registers_it_again(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """The last registration counts, not the first."""
    await _register(admin, person, "shared", hours=0, updated=2)
    await _register(admin, other, "shared", hours=1)
    assert await _read(worker, person, other) == [(person, "shared")]


async def test_a_device_registered_by_two_at_the_same_moment_is_one_persons(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, other: UUID
) -> None:
    """Never both: one phone does not show one person's messages to another."""
    await _register(admin, person, "shared")
    await _register(admin, other, "shared")
    assert len(await _read(worker, person, other)) == 1


async def test_people_without_devices_are_not_in_the_answer(
    worker: AsyncConnection, person: UUID
) -> None:
    """Nor are those that nobody knows, nor is nobody."""
    assert await _read(worker, person, uuid4()) == []
    assert await _read(worker) == []


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
        select p.id, 'token-' || p.id || n, 'ios' from people as p cross join generate_series(1, 2) as n
        """
    )
    if is_analyzed:
        await admin.execute("analyze public.user_device_tokens")
    await _register(admin, person, "own")
    reads = await reads_of(
        admin,
        "select gtr_jobs.read_devices(array(select user_id from public.user_device_tokens limit 10))",
    )
    # The one scan is the test's own, for ten people.
    assert reads.tables.get("public.user_device_tokens", 0) <= 20
    assert reads.indexes["public.gtr_jobs_user_device_tokens_token"] <= 40
    assert max(reads.indexes.values()) <= 60
