"""public.register_app_device(): a device of one of several apps; all else is as for a device of the only one."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.devices import read_tokens, register_app_device, register_token, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.refusals import refused

PHONE = "0a" * 32
KNOWN = "select app, apns_environment, locale from gtr_jobs.devices"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_is_registered_with_its_app(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The answer says which; what else is said of it is kept as ever."""
    answer = await register_app_device(
        api, person, PHONE, "dealer_eu", p_apns_environment="sandbox", p_locale="pt_BR"
    )
    device_id = await fetch_value(admin, "select id from public.user_device_tokens")
    assert answer == {"device_id": str(device_id), "kind": "apns", "app": "dealer_eu"}
    assert await fetch_rows(admin, KNOWN) == [("dealer_eu", "sandbox", "pt-BR")]


async def test_the_app_named_default_is_said_by_leaving_it_out(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Who moves back to it says its name, and is as one who never said another."""
    await register_app_device(api, person, PHONE, "dealer")
    assert await read_tokens(worker, person) == []
    answer = await register_app_device(api, person, PHONE, "default")
    assert answer["app"] == "default"
    assert await fetch_rows(admin, KNOWN) == [(None, None, None)]
    assert await read_tokens(worker, person) == [PHONE]


async def test_what_was_said_stays_until_it_is_said_otherwise(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Neither the other RPC nor the app's own upsert takes it back."""
    await register_app_device(api, person, PHONE, "dealer", p_apns_environment="production")
    await register_token(api, person, PHONE)
    await upsert_token(api, person, PHONE)
    await register_app_device(api, person, PHONE, "dealer")
    assert await fetch_rows(admin, KNOWN) == [("dealer", "production", None)]


@pytest.mark.parametrize(
    "app", [None, "", "Dealer", "two__lines", "_x", "x_", "9x", "a-b", "x" * 41, "x\n"]
)
async def test_what_is_no_name_of_an_app_is_refused(
    api: AsyncConnection, admin: AsyncConnection, person: UUID, app: str | None
) -> None:
    """With 422 app: settings could not name it."""
    with refused(422, "app"):
        await register_app_device(api, person, PHONE, app)
    assert await fetch_rows(admin, KNOWN) == []


@pytest.mark.parametrize("environment", ["", "staging", "Production"])
async def test_a_host_that_is_none_of_apples_is_refused(
    api: AsyncConnection, admin: AsyncConnection, person: UUID, environment: str
) -> None:
    """With 422 apns_environment."""
    with refused(422, "apns_environment"):
        await register_app_device(api, person, PHONE, "dealer", p_apns_environment=environment)
    assert await fetch_rows(admin, KNOWN) == []


async def test_what_the_other_rpc_refuses_is_refused_here(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """It stands behind this one."""
    with refused(422, "token_format"):
        await register_app_device(api, person, "no token", "dealer")
    with refused(422, "platform"):
        await register_app_device(api, person, PHONE, "dealer", p_platform="blackberry")
    assert await fetch_rows(admin, KNOWN) == []
