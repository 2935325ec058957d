"""A client writes a device token: it is noted, and whatever is wrong with it, the app's row is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.api import as_service_role
from support.devices import read_tokens, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_device, create_person
from support.token_examples import TOKEN_EXAMPLES

# The app's own index refuses what is longer than a third of a page.
WRITABLE = {name: example for name, example in TOKEN_EXAMPLES.items() if len(example[0]) < 4000}
NOTED = "select kind, silent_reason, silent_since is null from gtr_jobs.devices"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.mark.parametrize("example", WRITABLE)
async def test_a_token_is_noted_with_its_shape_or_ignored_with_the_reason(
    api: AsyncConnection,
    admin: AsyncConnection,
    worker: AsyncConnection,
    person: UUID,
    example: str,
) -> None:
    """The app's row is written in either case."""
    token, shape = WRITABLE[example]
    await upsert_token(api, person, token)
    assert await fetch_value(admin, "select device_token from public.user_device_tokens") == token
    expected: tuple[Any, ...] = (shape, None, True) if shape else (None, "token_format", False)
    assert await fetch_rows(admin, NOTED) == [expected]
    assert await read_tokens(worker, person) == ([token] if shape else [])


async def test_what_is_noted_names_the_row_the_person_and_where_it_was(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The rest is known only where the RPC was told."""
    await upsert_token(api, person, "ExponentPushToken[a]")
    assert await fetch_rows(
        admin,
        """
        select k.device_id = t.id, k.user_id, k.environment, k.seen_at <= clock_timestamp(),
            k.locale, k.time_zone, k.app_version, k.dead_since
        from gtr_jobs.devices as k cross join public.user_device_tokens as t
        """,
    ) == [(True, person, "test", True, None, None, None, None)]


async def test_a_server_that_writes_tokens_is_noted_as_well(
    api: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """The secret key writes for people."""
    async with as_service_role(api):
        await create_device(api, person, "ExponentPushToken[a]")
    assert await read_tokens(worker, person) == ["ExponentPushToken[a]"]


async def test_a_fault_of_ours_keeps_no_token_from_being_written(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """It is on record, and made good by the next registration."""
    await admin.execute("alter table gtr_jobs.devices add constraint never check (false) not valid")
    await upsert_token(api, person, "ExponentPushToken[a]")
    assert await fetch_value(admin, "select count(*) from public.user_device_tokens") == 1
    assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
        ("user_device_tokens_insert", "23514")
    ]
    await admin.execute("alter table gtr_jobs.devices drop constraint never")
    await upsert_token(api, person, "ExponentPushToken[a]")
    assert await read_tokens(worker, person) == ["ExponentPushToken[a]"]


async def test_one_statement_with_a_thousand_devices_notes_a_thousand(
    admin: AsyncConnection, person: UUID
) -> None:
    """The trigger runs once a statement; of one person's thousand, ten are sent to."""
    await admin.execute(
        "insert into public.user_device_tokens (user_id, device_token, platform)"
        " select %s, 'ExponentPushToken[' || n || ']', 'ios' from generate_series(1, 1000) as n",
        (person,),
    )
    assert await fetch_rows(
        admin,
        "select silent_reason, count(*) from gtr_jobs.devices group by 1 order by 2",
    ) == [(None, 10), ("retired", 990)]
