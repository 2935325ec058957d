"""A client deletes a device token: what was noted of the device goes with it."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.devices import upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person

DELETE = "delete from public.user_device_tokens where user_id = %s"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody with a device."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_whose_row_is_deleted_is_forgotten(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Whose the token is stays known, so that it falls to nobody by that."""
    await upsert_token(api, person, "ExponentPushToken[a]")
    async with as_user(api, person):
        await api.execute(DELETE, (person,))
    assert await fetch_value(admin, "select count(*) from gtr_jobs.devices") == 0
    assert await fetch_value(admin, "select user_id from gtr_jobs.token_owners") == person


async def test_the_devices_of_a_deleted_account_are_forgotten(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The rows go by cascade, and take what was noted with them."""
    await upsert_token(api, person, "ExponentPushToken[a]")
    await admin.execute("delete from public.profiles where id = %s", (person,))
    await admin.execute("delete from auth.users where id = %s", (person,))
    assert await fetch_value(admin, "select count(*) from gtr_jobs.devices") == 0


async def test_a_fault_of_ours_keeps_no_row_from_being_deleted(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Signing out works, and the fault is on record."""
    await upsert_token(api, person, "ExponentPushToken[a]")
    await admin.execute("alter table gtr_jobs.devices rename to somewhere_else")
    async with as_user(api, person):
        await api.execute(DELETE, (person,))
    assert await fetch_value(admin, "select count(*) from public.user_device_tokens") == 0
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("user_device_tokens_delete", "42P01")
    ]
