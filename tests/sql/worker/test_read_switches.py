"""gtr_jobs.read_switches(): all that a worker obeys, in one small answer."""

from __future__ import annotations

from decimal import Decimal

from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.switches import set_switch

READ = "select lever, scope, name, key_argument, amount, queue from gtr_jobs.read_switches() order by lever, name"


async def test_a_worker_reads_what_is_switched(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A kind comes with the queue that its jobs wait in."""
    await set_switch(admin, "pause", "kind", "match_saved_searches", seconds=60)
    await set_switch(admin, "pause", "queue", "push")
    await set_switch(admin, "limit", "queue", "push", 2, per="id")
    assert await fetch_rows(worker, READ) == [
        ("limit", "queue", "push", "id", Decimal(2), None),
        ("pause", "kind", "match_saved_searches", "", None, "match"),
        ("pause", "queue", "push", "", None, None),
    ]


async def test_a_new_database_has_nothing_switched(worker: AsyncConnection) -> None:
    """Everything runs."""
    assert await fetch_rows(worker, READ) == []
