"""Operators' switches for a test, set as an operator sets them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from psycopg import AsyncConnection
from support.jobs import fetch_value

NOTE = (UUID("22222222-2222-4222-8222-222222222222"), "ann@desk", "too many", "{}")


async def set_switch(
    connection: AsyncConnection,
    lever: str,
    scope: str,
    name: str,
    amount: float | None = None,
    *,
    per: str = "",
    seconds: float | None = None,
) -> object:
    """Set a switch; give when it expires."""
    return await fetch_value(
        connection,
        "select gtr_jobs.set_switch(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
        lever,
        scope,
        name,
        per,
        None if amount is None else Decimal(str(amount)),
        seconds,
        *NOTE,
    )


async def clear_switch(
    connection: AsyncConnection, lever: str, scope: str, name: str, *, per: str = ""
) -> bool:
    """Take a switch away; say whether it was set."""
    return bool(
        await fetch_value(
            connection,
            "select gtr_jobs.clear_switch(%s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
            lever,
            scope,
            name,
            per,
            *NOTE,
        )
    )
