"""gtr_jobs.read_notifications(): the app's notifications that pushes are about."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from support.jobs import fetch_rows, fetch_value
from support.people import create_person

QUERY = "select user_id, kind, title, body, data from gtr_jobs.read_notifications(%s)"
INSERT = """
    insert into public.notifications (user_id, type, title, body, data)
    values (%s, %s, %s, %s, %s) returning id
"""


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.mark.parametrize(
    ("row", "read"),
    [
        (
            ("listing_favorited", "A title", "A body", {"listing_id": "x"}),
            ("listing_favorited", "A title", "A body", {"listing_id": "x"}),
        ),
        (("listing_favorited", "A title", None, {}), ("listing_favorited", "A title", "", {})),
        (
            ("listing_favorited", "é" * 2000, "é" * 9000, {}),
            ("listing_favorited", "é" * 1000, "é" * 4000, {}),
        ),
    ],
)
async def test_a_notification_is_read_as_the_app_worded_it(
    admin: AsyncConnection,
    worker: AsyncConnection,
    person: UUID,
    row: tuple[Any, ...],
    read: tuple[Any, ...],
) -> None:
    """A missing body is an empty one, and long texts are cut."""
    kind, title, body, data = row
    row_id = await fetch_value(admin, INSERT, person, kind, title, body, Jsonb(data))
    assert await fetch_rows(worker, QUERY, [row_id, uuid4()]) == [(person, *read)]


@pytest.mark.parametrize("data", ['"text"', "[1]", "null"])
async def test_data_that_is_no_object_is_read_as_an_empty_one(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID, data: str
) -> None:
    """The column takes any JSON, and clients may write it; who reads it expects keys."""
    row_id = await fetch_value(admin, INSERT, person, "listing_favorited", "T", "B", data)
    assert await fetch_rows(
        worker, "select data from gtr_jobs.read_notifications(%s)", [row_id]
    ) == [({},)]


async def test_data_may_be_missing(
    admin: AsyncConnection, worker: AsyncConnection, person: UUID
) -> None:
    """Where the app lets the column be null."""
    await admin.execute("alter table public.notifications alter column data drop not null")
    row_id = await fetch_value(admin, INSERT, person, "listing_favorited", "T", "B", None)
    assert await fetch_rows(
        worker, "select data from gtr_jobs.read_notifications(%s)", [row_id]
    ) == [({},)]
