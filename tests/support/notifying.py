"""Server code that notifies people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from support.api import as_service_role


async def notify_user(
    api: AsyncConnection,
    user_id: UUID | None,
    kind: str | None,
    data: object,
    key: str | None = None,
) -> dict[str, Any]:
    """Call public.notify_user() with the secret key."""
    return await _call(api, "public.notify_user(%s, %s, %s, %s)", user_id, kind, Jsonb(data), key)


async def notify_users(
    api: AsyncConnection,
    user_ids: list[UUID | None] | None,
    kind: str | None,
    data: object,
    key: str | None = None,
) -> dict[str, Any]:
    """Call public.notify_users() with the secret key."""
    return await _call(
        api, "public.notify_users(%s::uuid[], %s, %s, %s)", user_ids, kind, Jsonb(data), key
    )


async def _call(api: AsyncConnection, call: str, *parameters: object) -> dict[str, Any]:
    async with as_service_role(api):
        cursor = await api.execute(f"select {call}".encode(), parameters)
        row = await cursor.fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer
