"""One LISTEN for the whole process."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection
from support.engine import Engine
from support.jobs import fetch_value

from gtr_jobs.engine import wake as wake_module

LISTENER = """
    select pid from pg_stat_activity
    where state = 'idle' and query = 'listen gtr_jobs_wake' and datname = current_database()
"""


async def test_a_call_reaches_those_that_wait_for_its_queue(
    engine: Engine, admin: AsyncConnection
) -> None:
    """And no others; calls for queues of other workers are passed over."""
    push, slow = (engine.context.wake_up.call_for(queue) for queue in ("push", "slow"))
    await engine.until_it_listens()
    for payload in ("of_another_worker", "", "push"):
        await admin.execute("select pg_notify('gtr_jobs_wake', %s)", (payload,))
    async with asyncio.timeout(5):
        await push.wait()
    assert not slow.is_set()
    assert engine.context.wake_up.call_for("push") is push


async def test_a_broken_connection_is_made_anew(
    engine: Engine, admin: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever slept through the outage is found by its own look; from then on calls are heard again."""
    monkeypatch.setattr(wake_module, "_RECONNECT_SECONDS", 0.01)
    call = engine.context.wake_up.call_for("push")
    await engine.until_it_listens()
    before = await fetch_value(admin, LISTENER)
    await admin.execute("select pg_terminate_backend(%s)", (before,))
    await engine.until(f"select pid <> {before} from ({LISTENER}) as listening", True)
    await admin.execute("notify gtr_jobs_wake, 'push'")
    async with asyncio.timeout(5):
        await call.wait()
