"""Devices as clients register them, and what is known of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from support.api import as_user
from support.jobs import fetch_rows, fetch_value

_UPSERT = """
    insert into public.user_device_tokens (user_id, device_token, platform) values (%s, %s, 'ios')
    on conflict (user_id, device_token) do update set platform = excluded.platform
"""


def make_expo_token(name: object) -> str:
    """Make a token that tells what it stands for."""
    return f"ExponentPushToken[{name}]"


async def upsert_token(api: AsyncConnection, user_id: UUID, token: str) -> None:
    """Register a device as the app's client does: straight into its table."""
    async with as_user(api, user_id):
        await api.execute(_UPSERT, (user_id, token))


async def register_token(
    api: AsyncConnection, user_id: UUID, token: str | None, **more: object
) -> dict[str, Any]:
    """Register a device by the RPC; what is not named is left out, as a client would."""
    return await _call(api, user_id, "register_device_token", token, more)


async def _call(
    api: AsyncConnection, user_id: UUID, rpc: str, token: str | None, more: dict[str, object]
) -> dict[str, Any]:
    arguments = {"p_device_token": token, "p_platform": "ios"} | more
    named = ", ".join(f"{name} => %({name})s" for name in arguments)
    async with as_user(api, user_id):
        cursor = await api.execute(f"select public.{rpc}({named})".encode(), arguments)
        row = await cursor.fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer


async def register_app_device(
    api: AsyncConnection, user_id: UUID, token: str, app: str | None, **more: object
) -> dict[str, Any]:
    """Register a device of one of several apps."""
    return await _call(api, user_id, "register_app_device", token, {"p_app": app} | more)


async def read_tokens(worker: AsyncConnection, *people: UUID) -> list[str]:
    """Read the tokens that pushes to people would go to, newest first."""
    rows = await fetch_rows(
        worker, "select device_token from gtr_jobs.read_devices(%s)", list(people)
    )
    return [token for (token,) in rows]


async def read_silent_reason(admin: AsyncConnection, user_id: UUID, token: str) -> str | None:
    """Read why a person's device is not sent to; None where it is."""
    reason: str | None = await fetch_value(
        admin,
        "select k.silent_reason from gtr_jobs.devices as k"
        " join public.user_device_tokens as t on t.id = k.device_id"
        " where t.user_id = %s and t.device_token = %s",
        user_id,
        token,
    )
    return reason
