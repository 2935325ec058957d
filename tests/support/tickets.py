"""Expo's tickets as SQL shows them: pushes that were taken and wait for their receipt."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from support.jobs import ack, claim, delivery_of, end_of, fetch_rows, put_jobs

WAITING = "select dedupe_key, ticket_id, asked from gtr_jobs.expo_tickets order by ticket_id"


async def send_to_expo(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, *ticket_ids: str, **more: Any
) -> list[UUID]:
    """Let a worker send a push for each ticket; give the deliveries, in order."""
    keys = []
    for ticket_id in ticket_ids:
        await put_jobs(admin)
        (job,) = await claim(worker, worker_id)
        keys.append(uuid4())
        values = {"provider": "expo", "provider_id": ticket_id, "dedupe_key": keys[-1]} | more
        await ack(worker, worker_id, end_of(job), deliveries=[delivery_of(job, **values)])
    return keys


async def wait_long(admin: AsyncConnection, seconds: float = 3600) -> None:
    """Let every ticket have been sent so long ago, and have waited since."""
    await admin.execute(
        "update gtr_jobs.expo_tickets set sent_at = now() - make_interval(secs => %(s)s),"
        " waits_since = now() - make_interval(secs => %(s)s)",
        {"s": seconds},
    )


async def take(
    connection: AsyncConnection, wait: float = 900, limit: int = 100
) -> list[tuple[Any, ...]]:
    """Take tickets that are due, as a worker does: ticket, kind and attempts."""
    return await fetch_rows(
        connection,
        "select ticket_id, kind, attempts from gtr_jobs.take_tickets(%s, %s) order by ticket_id",
        wait,
        limit,
    )


async def settle(
    connection: AsyncConnection, key: UUID, ticket_id: str, state: str, outcome: str, code: str
) -> list[UUID]:
    """Settle one ticket of today, as a worker does."""
    record = {
        "dedupe_key": str(key),
        "ticket_id": ticket_id,
        "state": state,
        "outcome": outcome,
        "code": code,
        "delay": 300,
    }
    rows = await fetch_rows(
        connection,
        "select gtr_jobs.settle_tickets(jsonb_build_array(jsonb_build_object("
        "'day', (now() at time zone 'utc')::date) || %s::jsonb))",
        json.dumps(record),
    )
    return [row[0] for row in rows]
