"""public.unregister_device_token(): signing out takes the device away, one's own only."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.databases import ProjectDatabase
from support.devices import make_expo_token, read_tokens, register_token, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.refusals import refused

PHONE = make_expo_token("phone")
CALL = "select public.unregister_device_token(%s)"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_that_signs_out_is_not_sent_to(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Its row is gone, and what was noted of it; a second time there is nothing to do."""
    await register_token(api, person, PHONE)
    answers = []
    for _ in range(2):
        async with as_user(api, person):
            answers.append(await fetch_value(api, CALL, PHONE))
    assert answers == [{"removed": True}, {"removed": False}]
    assert await read_tokens(worker, person) == []
    assert await fetch_rows(admin, "select device_id from gtr_jobs.devices") == []


async def test_nobody_takes_away_somebody_elses_device(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Who knows the token learns nothing and does nothing."""
    await register_token(api, person, PHONE)
    other = await create_person(admin, "sung", "Sung Kang")
    async with as_user(api, other):
        assert await fetch_value(api, CALL, PHONE) == {"removed": False}
    assert await read_tokens(worker, person) == [PHONE]


async def test_what_the_app_wrote_with_a_wrong_shape_can_be_taken_away(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """What went in by the direct path must come out."""
    await upsert_token(api, person, "no token")
    async with as_user(api, person):
        assert await fetch_value(api, CALL, "no token") == {"removed": True}
    assert await fetch_value(admin, "select count(*) from public.user_device_tokens") == 0


@pytest.mark.parametrize("token", ["", None])
async def test_no_token_is_refused(api: AsyncConnection, person: UUID, token: str | None) -> None:
    """A client that lost its token should say so, not believe that it signed out."""
    with refused(422, "token_format"):
        async with as_user(api, person):
            await api.execute(CALL, (token,))


async def test_only_people_who_are_signed_in_take_devices_away(
    api: AsyncConnection, database: ProjectDatabase
) -> None:
    """Neither anybody with the public key nor a server; a token without a person is 401."""
    for caller in (as_anon(api), as_service_role(api)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with caller:
                await api.execute(CALL, (PHONE,))
    async with await database.connect_async() as connection:
        with refused(401, "not_signed_in"):
            await connection.execute(CALL, (PHONE,))
