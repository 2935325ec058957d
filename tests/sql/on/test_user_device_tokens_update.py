"""A client registers a device token again: it is seen anew, and lives."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_user
from support.devices import read_silent_reason, read_tokens, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person

TOKEN = "ExponentPushToken[a]"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody with a device."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_that_registers_again_is_seen_anew(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """By our clock, and as one device."""
    await upsert_token(api, person, TOKEN)
    before = await fetch_value(admin, "select seen_at from gtr_jobs.devices")
    await upsert_token(api, person, TOKEN)
    assert await fetch_rows(admin, "select seen_at > %s from gtr_jobs.devices", before) == [(True,)]


async def test_a_device_that_registers_again_is_sent_to_again(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Retired or dead as of the registration before, it has come back."""
    await upsert_token(api, person, TOKEN)
    await admin.execute(
        "update gtr_jobs.devices set silent_since = now(), silent_reason = 'retired',"
        " dead_since = now(), dead_reason = 'Unregistered', dead_registration = seen_at"
    )
    assert await read_tokens(worker, person) == []
    await upsert_token(api, person, TOKEN)
    assert await read_tokens(worker, person) == [TOKEN]


async def test_a_row_that_gets_another_token_is_judged_by_it(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Clients may change a row in place: a good token, a bad one, a good one."""
    change = "update public.user_device_tokens set device_token = %s where user_id = %s"
    await upsert_token(api, person, TOKEN)
    for token, reason in (("nonsense", "token_format"), ("0a" * 32, None)):
        async with as_user(api, person):
            await api.execute(change, (token, person))
        assert await read_silent_reason(admin, person, token) == reason
    assert await read_tokens(worker, person) == ["0a" * 32]
    assert await fetch_value(admin, "select kind from gtr_jobs.devices") == "apns"


async def test_a_fault_of_ours_keeps_no_token_from_being_written_again(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The app's statement goes through, and the fault is on record."""
    await upsert_token(api, person, TOKEN)
    await admin.execute("alter table gtr_jobs.devices add constraint never check (false) not valid")
    await upsert_token(api, person, TOKEN)
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("user_device_tokens_update", "23514")
    ]
