"""gtr_jobs.note_registrations(): whose a device is, and which of a person's devices are sent to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.devices import (
    make_expo_token,
    read_silent_reason,
    read_tokens,
    register_token,
    upsert_token,
)
from support.jobs import fetch_rows, fetch_value
from support.people import create_device, create_person
from support.refusals import refused
from support.scans import reads_of

PHONE = make_expo_token("phone")
HERE = "installation-0001"
THERE = "installation-0002"

Register = Callable[[AsyncConnection, UUID, str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class People:
    """Two accounts."""

    ken: UUID
    sung: UUID


@pytest.fixture
async def people(admin: AsyncConnection) -> People:
    """Two accounts."""
    return People(
        await create_person(admin, "ken", "Ken Block"),
        await create_person(admin, "sung", "Sung Kang"),
    )


@pytest.mark.parametrize("register", [upsert_token, register_token])
async def test_a_token_belongs_to_the_last_account_that_registered_it(
    api: AsyncConnection,
    admin: AsyncConnection,
    worker: AsyncConnection,
    people: People,
    register: Register,
) -> None:
    """On both paths, there and back again; the other account's row stays and is silent."""
    await register(api, people.ken, PHONE)
    await register(api, people.sung, PHONE)
    assert await read_tokens(worker, people.ken) == []
    assert await read_tokens(worker, people.sung) == [PHONE]
    assert await read_silent_reason(admin, people.ken, PHONE) == "other_account"
    await register(api, people.ken, PHONE)
    assert await read_tokens(worker, people.ken) == [PHONE]
    assert await read_tokens(worker, people.sung) == []


async def test_signing_out_gives_the_device_to_nobody(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """The account before the last does not get it back by that."""
    await upsert_token(api, people.ken, PHONE)
    await upsert_token(api, people.sung, PHONE)
    await admin.execute("delete from public.user_device_tokens where user_id = %s", (people.sung,))
    assert await read_tokens(worker, people.ken, people.sung) == []


async def test_a_device_changes_hands_five_times_a_day(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """The sixth is refused, whichever path it takes; tomorrow it is allowed again."""
    await upsert_token(api, people.ken, PHONE)
    for owner in (people.sung, people.ken, people.sung, people.ken, people.sung):
        await upsert_token(api, owner, PHONE)
    await upsert_token(api, people.ken, PHONE)
    assert await read_silent_reason(admin, people.ken, PHONE) == "too_many_owners"
    with refused(429, "too_many_owners"):
        await register_token(api, people.ken, PHONE)
    await upsert_token(api, people.sung, PHONE)
    assert await read_tokens(worker, people.sung) == [PHONE]
    await admin.execute("update gtr_jobs.token_owners set changed_on = changed_on - 1")
    await upsert_token(api, people.ken, PHONE)
    assert await read_tokens(worker, people.ken) == [PHONE]
    assert await fetch_value(admin, "select changes from gtr_jobs.token_owners") == 1


async def test_deleting_and_registering_again_does_not_start_the_count_anew(
    api: AsyncConnection, admin: AsyncConnection, people: People
) -> None:
    """What is known of a token outlives the app's rows."""
    for owner in (people.ken, people.sung) * 4:
        await upsert_token(api, owner, PHONE)
        await admin.execute("delete from public.user_device_tokens")
    assert await fetch_rows(admin, "select user_id, changes from gtr_jobs.token_owners") == [
        (people.sung, 5)
    ]


async def test_one_account_registers_as_often_as_it_likes(
    api: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """Clients do at every start; that changes no owner."""
    for _ in range(8):
        await upsert_token(api, people.ken, PHONE)
    await upsert_token(api, people.sung, PHONE)
    assert await read_tokens(worker, people.sung) == [PHONE]


async def test_with_a_known_installation_only_the_same_one_takes_the_token_over(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """Who knows somebody's token and not their installation gets nothing, on neither path."""
    await register_token(api, people.ken, PHONE, p_installation_id=HERE)
    for other in ({}, {"p_installation_id": THERE}):
        with refused(409, "other_installation"):
            await register_token(api, people.sung, PHONE, **other)
    await upsert_token(api, people.sung, PHONE)
    assert await read_silent_reason(admin, people.sung, PHONE) == "other_installation"
    assert await read_tokens(worker, people.ken, people.sung) == [PHONE]
    assert await read_tokens(worker, people.ken) == [PHONE]

    await register_token(api, people.sung, PHONE, p_installation_id=HERE)
    assert await read_tokens(worker, people.sung) == [PHONE]
    assert await read_tokens(worker, people.ken) == []


async def test_the_owner_may_register_from_another_installation(
    api: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """The app was installed anew: from then on the new installation counts."""
    await register_token(api, people.ken, PHONE, p_installation_id=HERE)
    await register_token(api, people.ken, PHONE, p_installation_id=THERE)
    with refused(409, "other_installation"):
        await register_token(api, people.sung, PHONE, p_installation_id=HERE)
    await register_token(api, people.sung, PHONE, p_installation_id=THERE)
    assert await read_tokens(worker, people.sung) == [PHONE]


async def test_an_installation_stays_known_when_it_is_not_said_again(
    api: AsyncConnection, people: People
) -> None:
    """The owner's direct upserts do not open the token to others."""
    await register_token(api, people.ken, PHONE, p_installation_id=HERE)
    await upsert_token(api, people.ken, PHONE)
    with refused(409, "other_installation"):
        await register_token(api, people.sung, PHONE)


async def test_neither_token_nor_installation_is_kept_in_clear(
    api: AsyncConnection, admin: AsyncConnection, people: People
) -> None:
    """Our tables hold hashes; the token stands in the app's table alone."""
    await register_token(api, people.ken, PHONE, p_installation_id=HERE)
    kept = await fetch_value(
        admin,
        "select (select string_agg(k::text, '') from gtr_jobs.devices as k)"
        " || (select string_agg(o::text, '') from gtr_jobs.token_owners as o)",
    )
    assert [secret for secret in (PHONE, HERE) if secret in kept] == []


@pytest.mark.parametrize("register", [upsert_token, register_token])
async def test_the_eleventh_device_retires_the_one_least_recently_seen(
    api: AsyncConnection,
    admin: AsyncConnection,
    worker: AsyncConnection,
    people: People,
    register: Register,
) -> None:
    """Seen means registered again, not registered first; registering again brings it back."""
    tokens = [make_expo_token(number) for number in range(11)]
    for token in tokens[:10]:
        await register(api, people.ken, token)
    await register(api, people.ken, tokens[0])
    await register(api, people.ken, tokens[10])
    assert await read_silent_reason(admin, people.ken, tokens[1]) == "retired"
    assert await read_tokens(worker, people.ken) == [tokens[10], tokens[0], *reversed(tokens[2:10])]
    await register(api, people.ken, tokens[1])
    assert await read_silent_reason(admin, people.ken, tokens[1]) is None
    assert await read_silent_reason(admin, people.ken, tokens[2]) == "retired"
    assert len(await read_tokens(worker, people.ken)) == 10


async def test_dead_and_foreign_devices_take_nobodys_place(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """Ten are the devices that are sent to: what is dead or another account's does not count."""
    tokens = [make_expo_token(number) for number in range(12)]
    for token in tokens[:10]:
        await upsert_token(api, people.ken, token)
    await upsert_token(api, people.sung, tokens[8])
    await admin.execute(
        "update gtr_jobs.devices as k set dead_since = now(), dead_reason = 'Unregistered',"
        " dead_registration = k.seen_at from public.user_device_tokens as t"
        " where t.id = k.device_id and t.device_token = %s",
        (tokens[9],),
    )
    await upsert_token(api, people.ken, tokens[10])
    await upsert_token(api, people.ken, tokens[11])
    assert await read_tokens(worker, people.ken) == [tokens[11], tokens[10], *reversed(tokens[:8])]


async def test_two_accounts_that_register_one_token_at_once_do_not_both_get_it(
    admin: AsyncConnection, worker: AsyncConnection, people: People, database: ProjectDatabase
) -> None:
    """The second waits for the first; where that takes too long it is not noted, and still nobody has both."""
    async with await database.connect_async() as one, await database.connect_async() as other:
        async with one.transaction():
            await create_device(one, people.ken, PHONE)
            async with other.transaction():
                await create_device(other, people.sung, PHONE)
        assert await fetch_rows(admin, "select source, sqlstate from gtr_jobs.enqueue_errors") == [
            ("user_device_tokens_insert", "55P03")
        ]
    assert len(await read_tokens(worker, people.ken, people.sung)) <= 1
    await admin.execute("select gtr_jobs.note_missed_devices()")
    assert len(await read_tokens(worker, people.ken, people.sung)) == 1


async def test_upkeep_of_the_table_gives_no_token_to_anybody_else(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """A statement that touches every row leaves owners and the order of devices as they are."""
    tokens = [make_expo_token(number) for number in range(12)]
    for token in tokens:
        await upsert_token(api, people.ken, token)
    await upsert_token(api, people.sung, tokens[11])
    await upsert_token(api, people.ken, tokens[11])
    before = await read_tokens(worker, people.ken)
    await admin.execute("update public.user_device_tokens set platform = 'android' where true")
    assert await read_tokens(worker, people.ken) == before
    assert await read_tokens(worker, people.sung) == []


async def test_devices_from_before_are_noted_as_the_app_dates_them(
    admin: AsyncConnection, worker: AsyncConnection, people: People
) -> None:
    """The newest registration of a token is its owner's, ten devices are sent to, and twice is once."""
    await admin.execute("alter table public.user_device_tokens disable trigger user")
    for number, owner in enumerate([*[people.ken] * 11, people.sung]):
        row_id = await create_device(admin, owner, make_expo_token(number % 11))
        await admin.execute(
            "update public.user_device_tokens set created_at = now() - interval '1 hour',"
            " updated_at = now() - make_interval(mins => %s) where id = %s",
            (30 - number, row_id),
        )
    await admin.execute("alter table public.user_device_tokens enable trigger user")
    assert await read_tokens(worker, people.ken, people.sung) == []
    assert await fetch_value(admin, "select gtr_jobs.note_missed_devices()") == 12
    assert await read_tokens(worker, people.ken) == [
        make_expo_token(number) for number in range(10, 0, -1)
    ]
    assert await read_tokens(worker, people.sung) == [make_expo_token(0)]
    assert await fetch_value(admin, "select gtr_jobs.note_missed_devices()") == 0


async def test_registering_reads_no_more_than_a_persons_living_devices(
    admin: AsyncConnection, people: People
) -> None:
    """However many rows a script wrote for them, and however many devices there are."""
    await admin.execute(
        """
        insert into public.user_device_tokens (user_id, device_token, platform)
        select %s, 'ExponentPushToken[' || n || ']', 'ios' from generate_series(1, 5000) as n
        """,
        (people.ken,),
    )
    # As autovacuum does: entries of rows that the statement itself retired would be read and left aside.
    await admin.execute("vacuum analyze gtr_jobs.devices, gtr_jobs.token_owners")
    reads = await reads_of(
        admin,
        "insert into public.user_device_tokens (user_id, device_token, platform) values (%s, %s, 'ios')",
        people.ken,
        PHONE,
    )
    ours = {name: rows for name, rows in reads.tables.items() if name != "gtr_jobs.installation"}
    assert ours == {}
    assert max(reads.indexes.values()) <= 40
