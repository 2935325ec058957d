"""public.notify_user(): one row and one push for one person, once a key."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.databases import ProjectDatabase
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.notifying import notify_user, notify_users
from support.people import create_person
from support.refusals import refused

LISTING = "00000000-0000-4000-8000-000000000001"
DATA = {"listing_id": LISTING}
KIND = "listing_favorited"
WRITTEN = "select user_id, type, title, body, data from public.notifications"
KEYS = "select rpc, key, answer from gtr_jobs.idempotency_keys"


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


async def test_one_call_is_one_row_and_one_push(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The job names the row, and nothing of what it says; the answer names the row too."""
    answer = await notify_user(api, person, KIND, DATA)
    row_id = await fetch_value(admin, "select id from public.notifications")
    assert answer == {"notification_id": str(row_id)}
    assert await fetch_rows(admin, WRITTEN) == [
        (person, KIND, "Your listing was favorited", "", DATA)
    ]
    assert await fetch_rows(admin, "select queue, kind, args from gtr_jobs.jobs") == [
        ("push", KIND, {"id": str(row_id)})
    ]


async def test_server_code_may_word_the_notification_itself(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Title and body are the row's, and no data; an empty title is none."""
    await notify_user(api, person, KIND, DATA | {"title": "Sold!", "body": "Congratulations"})
    await notify_user(api, person, KIND, DATA | {"title": "  "})
    assert await fetch_rows(admin, WRITTEN + " order by body desc") == [
        (person, KIND, "Sold!", "Congratulations", DATA),
        (person, KIND, "Your listing was favorited", "", DATA),
    ]


async def test_the_same_key_and_body_give_the_same_answer(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """However the body is written down; there is one row and one push."""
    answers = [
        await notify_user(api, person, KIND, data, "order-17")
        for data in (
            DATA | {"user_id": LISTING},
            {"user_id": LISTING} | DATA,
            DATA | {"user_id": LISTING},
        )
    ]
    assert answers[0] == answers[1] == answers[2]
    assert await fetch_value(admin, "select count(*) from public.notifications") == 1
    assert await count_jobs(admin) == 1
    assert await fetch_rows(admin, KEYS) == [("notify_user", "order-17", answers[0])]


async def test_the_same_key_with_another_body_is_refused(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Another person, another kind, other data: 409 idempotency_mismatch, and nothing is written."""
    other = await create_person(admin, "sung", "Sung Kang")
    await notify_user(api, person, KIND, DATA, "order-17")
    for request in (
        (other, KIND, DATA),
        (person, "saved_search_match", DATA),
        (person, KIND, {"listing_id": str(uuid4())}),
    ):
        with refused(409, "idempotency_mismatch"):
            await notify_user(api, *request, "order-17")
    assert await fetch_value(admin, "select count(*) from public.notifications") == 1


async def test_without_a_key_every_call_is_a_new_one(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """And another key is another request; one RPC's keys are not the other's."""
    for key in (None, None, "a", "b"):
        await notify_user(api, person, KIND, DATA, key)
    await notify_users(api, [person], KIND, DATA, "a")
    assert await fetch_value(admin, "select count(*) from public.notifications") == 5


async def test_what_failed_is_not_remembered(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """After a refusal the same key may be used for the request put right."""
    with refused(404, "unknown_user"):
        await notify_user(api, uuid4(), KIND, DATA, "order-17")
    assert await fetch_rows(admin, KEYS) == []
    assert await notify_user(api, person, KIND, DATA, "order-17")


async def test_two_calls_under_one_key_at_once_are_one(
    admin: AsyncConnection, person: UUID, database: ProjectDatabase
) -> None:
    """The second waits for the first and gets its answer."""
    async with (
        await database.connect_async("authenticator") as one,
        await database.connect_async("authenticator") as other,
    ):
        answers = await asyncio.gather(
            notify_user(one, person, KIND, DATA, "order-17"),
            notify_user(other, person, KIND, DATA, "order-17"),
        )
    assert answers[0] == answers[1]
    assert await fetch_value(admin, "select count(*) from public.notifications") == 1


async def test_keys_are_kept_for_two_days(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Longer than the day that is promised; the next keyed call sweeps away what is older."""
    for key in ("kept", "gone"):
        await notify_user(api, person, KIND, DATA, key)
    age = "update gtr_jobs.idempotency_keys set created_at = now() - %s::interval where key = %s"
    await admin.execute(age, ("47 hours", "kept"))
    await admin.execute(age, ("49 hours", "gone"))
    await notify_user(api, person, KIND, DATA, "new")
    assert await fetch_rows(admin, "select key from gtr_jobs.idempotency_keys order by 1") == [
        ("kept",),
        ("new",),
    ]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_1_to_255_signs(api: AsyncConnection, person: UUID, key: str) -> None:
    """Anything else is refused before something is written."""
    with refused(422, "idempotency_key"):
        await notify_user(api, person, KIND, DATA, key)
    assert await notify_user(api, person, KIND, DATA, "é" * 255)


@pytest.mark.parametrize("kind", ["unheard_of", "message", "match_saved_searches", "", None])
async def test_an_unknown_kind_is_refused_with_the_list_of_those_known(
    api: AsyncConnection, person: UUID, kind: str | None
) -> None:
    """A message is none of them: it is sent by writing it. Nor is a kind of job that is no notification."""
    with refused(422, "unknown_kind"):
        await notify_user(api, person, kind, DATA)
    with pytest.raises(psycopg.Error) as caught:
        await notify_user(api, person, kind, DATA)
    assert "listing_favorited" in str(caught.value.diag.message_hint)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"listing_id": None},
        {"listing_id": ""},
        {"listing_id": 7},
        {"listing_id": "7"},
        {"listing_id": "NaN"},
        {"listing_id": LISTING + "\n"},
        {"listing_id": [LISTING]},
        {"listing_id": {"id": LISTING}},
        {"listing_id": LISTING, "url": "https://example.test"},
        {"listing_id": LISTING, "user_id": "me"},
        {"listing_id": LISTING, "title": 1},
        {"listing_id": LISTING, "body": ["text"]},
        [],
        [DATA],
        "text",
        1,
        None,
    ],
    ids=json.dumps,
)
async def test_data_that_does_not_fit_its_kind_is_refused(
    api: AsyncConnection, admin: AsyncConnection, person: UUID, data: Any
) -> None:
    """Missing, unknown and nested keys, wrong types and what is no object: 422 data_format."""
    with refused(422, "data_format"):
        await notify_user(api, person, KIND, data)
    assert await fetch_rows(admin, WRITTEN) == []


async def test_no_data_at_all_is_refused(api: AsyncConnection, person: UUID) -> None:
    """SQL's null is no object either."""
    with refused(422, "data_format"):
        async with as_service_role(api):
            await api.execute("select public.notify_user(%s, %s, null)", (person, KIND))


async def test_data_over_8_kb_is_refused(api: AsyncConnection, person: UUID) -> None:
    """With 413, whatever else is wrong with it; 8 KB pass."""
    with refused(413, "data_too_large"):
        await notify_user(api, person, KIND, DATA | {"body": "x" * 9000})
    assert await notify_user(api, person, KIND, DATA | {"body": "x" * 8000})


async def test_data_200_levels_deep_is_refused(api: AsyncConnection, person: UUID) -> None:
    """No value may be anything but a string, so nothing nests."""
    deep: Any = LISTING
    for _ in range(200):
        deep = {"listing_id": deep}
    with refused(422, "data_format"):
        await notify_user(api, person, KIND, deep)


async def test_what_is_no_json_does_not_come_so_far(api: AsyncConnection, person: UUID) -> None:
    """NaN is none: PostgREST and PostgreSQL refuse the body themselves."""
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await notify_user(api, person, KIND, {"listing_id": float("nan")})


async def test_nobody_and_deleted_accounts_are_unknown(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """404; Supabase keeps a soft-deleted account's row."""
    await admin.execute("update auth.users set deleted_at = now() where id = %s", (person,))
    for user_id in (person, uuid4(), None):
        with refused(404, "unknown_user"):
            await notify_user(api, user_id, KIND, DATA)


async def test_an_app_whose_types_are_an_enum_is_served(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The column's type is the app's affair."""
    await admin.execute("create type public.notification_type as enum ('listing_favorited')")
    await admin.execute(
        "alter table public.notifications alter column type"
        " type public.notification_type using type::public.notification_type"
    )
    await notify_user(api, person, KIND, DATA)
    assert await count_jobs(admin) == 1


async def test_a_push_that_cannot_be_queued_fails_the_call(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """The app's triggers forgive that; server code asked for the push, and is told."""
    await admin.execute(
        "alter table procrastinate.procrastinate_jobs add constraint never check (false) not valid"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        await notify_user(api, person, KIND, DATA)
    assert await fetch_rows(admin, WRITTEN) == []


async def test_only_server_code_notifies(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Neither anybody with the public key nor people, themselves included."""
    for statement in (
        "select public.notify_user(%s, 'listing_favorited', '{}')",
        "select gtr_jobs.notify_user(%s, 'listing_favorited', '{}', null)",
        "select public.notify_users(array[%s]::uuid[], 'listing_favorited', '{}')",
        "select gtr_jobs.notify_users(array[%s]::uuid[], 'listing_favorited', '{}', null)",
    ):
        for caller in (as_anon(api), as_user(api, person)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with caller:
                    await api.execute(statement.encode(), (person,))
    assert await fetch_rows(admin, WRITTEN) == []
