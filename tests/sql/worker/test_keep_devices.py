"""gtr_jobs.keep_devices(): what was missed is made good, and what is old is forgotten."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.devices import make_expo_token, read_tokens, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.scans import reads_of

PHONE = make_expo_token("phone")
KEEP = "select gtr_jobs.keep_devices()"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_that_a_fault_left_out_is_noted(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Once the fault is over, without the client's doing anything."""
    await admin.execute("alter table gtr_jobs.devices add constraint never check (false) not valid")
    await upsert_token(api, person, PHONE)
    await admin.execute("alter table gtr_jobs.devices drop constraint never")
    assert await read_tokens(worker, person) == []
    assert await fetch_value(worker, KEEP) == 1
    assert await read_tokens(worker, person) == [PHONE]
    assert await fetch_value(worker, KEEP) == 0


async def test_a_device_whose_deletion_a_fault_left_out_is_forgotten(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """The row is gone, so is the note of it."""
    await upsert_token(api, person, PHONE)
    await upsert_token(api, person, make_expo_token("other"))
    await admin.execute("alter table gtr_jobs.devices rename to somewhere_else")
    await admin.execute("delete from public.user_device_tokens where device_token = %s", (PHONE,))
    await admin.execute("alter table gtr_jobs.somewhere_else rename to devices")
    await worker.execute(KEEP)
    assert await fetch_value(admin, "select count(*) from gtr_jobs.devices") == 1
    assert await read_tokens(worker, person) == [make_expo_token("other")]


async def test_without_a_fault_the_apps_table_is_left_alone(
    admin: AsyncConnection, person: UUID
) -> None:
    """It may be large, and there is nothing to look for."""
    reads = await reads_of(admin, KEEP)
    assert "public.user_device_tokens" not in reads.tables


async def test_a_token_that_nobody_registered_for_270_days_is_forgotten(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Whose it was, and from which installation; younger ones stay known."""
    for token in (PHONE, make_expo_token("other")):
        await upsert_token(api, person, token)
    await admin.execute(
        "update gtr_jobs.token_owners set seen_at = now() - case token_hash"
        " when sha256(convert_to(%s, 'UTF8')) then interval '271 days' else interval '269 days' end",
        (PHONE,),
    )
    await worker.execute(KEEP)
    assert await fetch_rows(
        admin,
        "select token_hash = sha256(convert_to(%s, 'UTF8')) from gtr_jobs.token_owners",
        make_expo_token("other"),
    ) == [(True,)]


async def test_an_app_without_devices_is_served_as_well(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Nothing is noted, and nothing fails, even after a fault of the table that was there once."""
    await admin.execute("drop table public.user_device_tokens")
    await admin.execute(
        "select gtr_jobs.record_enqueue_error('user_device_tokens_insert', '42P01', 'gone', '')"
    )
    assert await fetch_value(worker, KEEP) == 0
