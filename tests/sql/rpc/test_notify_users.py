"""public.notify_users(): a row and a push for each of many people, once a key."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import count_jobs, fetch_rows, fetch_value
from support.notifying import notify_users
from support.people import create_person
from support.refusals import refused

DATA = {"event_id": "00000000-0000-4000-8000-000000000001"}
KIND = "event_favorited"


@pytest.fixture
async def people(admin: AsyncConnection) -> list[UUID | None]:
    """Three people."""
    return [await create_person(admin, name, name) for name in ("ken", "sung", "han")]


async def test_each_person_gets_one_row_and_one_push(
    api: AsyncConnection, admin: AsyncConnection, people: list[UUID | None]
) -> None:
    """Who is named twice gets one; who is not there is counted and keeps nobody from theirs."""
    answer = await notify_users(api, [*people, people[0], uuid4()], KIND, DATA)
    assert answer == {"notified": 3, "unknown": 1}
    rows = await fetch_rows(
        admin,
        """
        select n.user_id, n.type, n.title, n.data from gtr_jobs.jobs as j
        join public.notifications as n on n.id = (j.args ->> 'id')::uuid
        """,
    )
    assert {user_id for user_id, *_ in rows} == set(people)
    assert [row[1:] for row in rows] == [(KIND, "Your event was favorited", DATA)] * 3
    assert await fetch_value(admin, "select count(*) from public.notifications") == 3
    assert await count_jobs(admin) == 3


async def test_nobody_is_notified_of_nothing(api: AsyncConnection) -> None:
    """An empty list is a list."""
    assert await notify_users(api, [], KIND, DATA) == {"notified": 0, "unknown": 0}


async def test_the_same_key_and_people_in_any_order_give_the_same_answer(
    api: AsyncConnection, admin: AsyncConnection, people: list[UUID | None]
) -> None:
    """Other people under the key are refused."""
    first = await notify_users(api, people, KIND, DATA, "news-1")
    assert await notify_users(api, people[::-1], KIND, DATA, "news-1") == first
    with refused(409, "idempotency_mismatch"):
        await notify_users(api, people[:2], KIND, DATA, "news-1")
    assert await count_jobs(admin) == 3


async def test_ten_thousand_people_are_one_call(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """One more is refused with 413 before anything is looked at."""
    rows = await fetch_rows(
        admin,
        "insert into auth.users (id) select gen_random_uuid() from generate_series(1, 10000)"
        " returning id",
    )
    everybody: list[UUID | None] = [user_id for (user_id,) in rows]
    with refused(413, "too_many_users"):
        await notify_users(api, [*everybody, uuid4()], "unheard_of", None)
    assert await notify_users(api, everybody, KIND, DATA) == {"notified": 10000, "unknown": 0}
    assert await count_jobs(admin) == 10000


@pytest.mark.parametrize("user_ids", [None, [None], [uuid4(), None]])
async def test_a_person_that_is_null_is_refused(
    api: AsyncConnection, user_ids: list[UUID | None] | None
) -> None:
    """It is a mistake of the caller's, not a person who is not there."""
    with refused(422, "user_ids"):
        await notify_users(api, user_ids, KIND, DATA)


async def test_kind_and_data_are_looked_at_as_for_one_person(
    api: AsyncConnection, people: list[UUID | None]
) -> None:
    """The same refusals."""
    with refused(422, "unknown_kind"):
        await notify_users(api, people, "message", DATA)
    with refused(422, "data_format"):
        await notify_users(api, people, KIND, {})
    with refused(413, "data_too_large"):
        await notify_users(api, people, KIND, DATA | {"body": "x" * 9000})
    with refused(422, "idempotency_key"):
        await notify_users(api, people, KIND, DATA, "k" * 256)
