"""public.register_device_token(): a device is registered whole, or refused with what is wrong."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.databases import ProjectDatabase
from support.devices import make_expo_token, read_tokens, register_token, upsert_token
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.refusals import refused
from support.token_examples import TOKEN_EXAMPLES

PHONE = make_expo_token("phone")
ROW = "select user_id, device_token, platform from public.user_device_tokens"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


async def test_a_device_is_registered_with_all_that_is_said_of_it(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """The row is the app's own; what its table lacks stands in ours; the answer names both."""
    answer = await register_token(
        api,
        person,
        "0a" * 32,
        p_installation_id=str(uuid4()),
        p_locale="pt_BR",
        p_time_zone="America/Sao_Paulo",
        p_app_version="2.4.1 (77)",
    )
    device_id = await fetch_value(admin, "select id from public.user_device_tokens")
    assert answer == {"device_id": str(device_id), "kind": "apns"}
    assert await fetch_rows(admin, ROW) == [(person, "0a" * 32, "ios")]
    assert await fetch_rows(
        admin,
        "select user_id, kind, environment, locale, time_zone, app_version, silent_reason"
        " from gtr_jobs.devices where device_id = %s",
        device_id,
    ) == [(person, "apns", "test", "pt-BR", "America/Sao_Paulo", "2.4.1 (77)", None)]
    assert await read_tokens(worker, person) == ["0a" * 32]


async def test_registering_twice_is_registering_once(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """What is not said the second time stays as it was said the first; the platform is the last one."""
    first = await register_token(api, person, PHONE, p_locale="en", p_time_zone="Asia/Tokyo")
    second = await register_token(
        api, person, PHONE, p_platform="android", p_locale="ja", p_app_version="3"
    )
    assert first == second
    assert await fetch_rows(admin, ROW) == [(person, PHONE, "android")]
    assert await fetch_rows(
        admin, "select locale, time_zone, app_version from gtr_jobs.devices"
    ) == [("ja", "Asia/Tokyo", "3")]


async def test_a_direct_upsert_and_the_rpc_are_about_one_device(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """An app may move from the one to the other; the direct one takes back nothing that was said."""
    await upsert_token(api, person, PHONE)
    await register_token(api, person, PHONE, p_time_zone="Asia/Tokyo")
    await upsert_token(api, person, PHONE)
    assert await fetch_rows(admin, "select kind, time_zone from gtr_jobs.devices") == [
        ("expo", "Asia/Tokyo")
    ]


@pytest.mark.parametrize(
    "example", [name for name, (_, shape) in TOKEN_EXAMPLES.items() if shape is None]
)
async def test_what_has_no_shape_of_a_token_is_refused(
    api: AsyncConnection, admin: AsyncConnection, person: UUID, example: str
) -> None:
    """With 422 token_format; empty, 5 KB, not closed and of a wrong length among them."""
    with refused(422, "token_format"):
        await register_token(api, person, TOKEN_EXAMPLES[example][0])
    assert await fetch_rows(admin, ROW) == []


async def test_no_token_at_all_is_refused(api: AsyncConnection, person: UUID) -> None:
    """A client whose permission was denied may send null."""
    with refused(422, "token_format"):
        await register_token(api, person, None)


@pytest.mark.parametrize("platform", ["blackberry", "", "iOS", None])
async def test_an_unknown_platform_is_refused_with_the_list_of_those_known(
    api: AsyncConnection, person: UUID, platform: str | None
) -> None:
    """With 422 platform."""
    with refused(422, "platform"):
        await register_token(api, person, PHONE, p_platform=platform)
    with pytest.raises(psycopg.Error) as caught:
        await register_token(api, person, PHONE, p_platform=platform)
    assert caught.value.diag.message_hint == "Give one of: ios, android."


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("installation_id", ["", "short", "x" * 129, "with spaces in the id", "é" * 20]),
        ("locale", ["", "e", "english", "en US", "en-", "en-toolongasubtag", "1e"]),
        ("time_zone", ["", "Mars/Olympus", "GMT+25:99", "../etc/passwd", "x" * 200, "a'b"]),
        ("app_version", ["", " 1", "v" * 65, "1\n2", "é"]),
    ],
)
async def test_what_is_said_of_a_device_must_make_sense(
    api: AsyncConnection, admin: AsyncConnection, person: UUID, argument: str, values: list[str]
) -> None:
    """Each argument is refused under its own name, and nothing is written."""
    for value in values:
        with refused(422, argument):
            await register_token(api, person, PHONE, **{f"p_{argument}": value})
    assert await fetch_rows(admin, ROW) == []


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "UTC", "America/Argentina/Ushuaia", "Etc/GMT+3"])
async def test_a_time_zone_that_postgres_knows_is_taken(
    api: AsyncConnection, person: UUID, zone: str
) -> None:
    """As phones name them."""
    assert await register_token(api, person, PHONE, p_time_zone=zone)


async def test_a_refused_change_of_owner_leaves_everything_as_it_was(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Neither the app's row nor ours is written."""
    await register_token(api, person, PHONE, p_installation_id="installation-0001")
    thief = await create_person(admin, "thief", "T Hief")
    known = (
        "select k::text, o::text from gtr_jobs.devices as k cross join gtr_jobs.token_owners as o"
    )
    before = await fetch_rows(admin, known)
    with refused(409, "other_installation"):
        await register_token(api, thief, PHONE, p_installation_id="installation-0002")
    assert await fetch_rows(admin, ROW) == [(person, PHONE, "ios")]
    assert await fetch_rows(admin, known) == before


async def test_a_fault_of_ours_fails_the_call(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Other than a trigger, it does not say that all is well: the client tries again."""
    await admin.execute("alter table gtr_jobs.devices add constraint never check (false) not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        await register_token(api, person, PHONE)
    assert await fetch_rows(admin, ROW) == []


async def test_statements_after_the_call_are_noted_as_ever(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """The triggers stand back for the call only, not for its transaction."""
    async with as_user(api, person):
        await api.execute("select public.register_device_token(%s, 'ios')", (PHONE,))
        await api.execute(
            "insert into public.user_device_tokens (user_id, device_token, platform)"
            " values (%s, %s, 'ios')",
            (person, make_expo_token("second")),
        )
    assert await read_tokens(worker, person) == [make_expo_token("second"), PHONE]


async def test_only_people_who_are_signed_in_register_devices(
    api: AsyncConnection, database: ProjectDatabase
) -> None:
    """Neither anybody with the public key nor a server, who would be nobody; a token without a person is 401."""
    call = "select public.register_device_token(%s, 'ios')"
    for caller in (as_anon(api), as_service_role(api)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with caller:
                await api.execute(call, (PHONE,))
    async with await database.connect_async() as connection:
        with refused(401, "not_signed_in"):
            await connection.execute(call, (PHONE,))


async def test_an_account_that_is_gone_registers_nothing(api: AsyncConnection) -> None:
    """A token can outlive its account: PostgREST answers 409."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await register_token(api, uuid4(), PHONE)
