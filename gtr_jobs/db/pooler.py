"""What kind of connection a worker has: its own, or one that a pooler changes after every statement.

Behind a pooler in transaction mode LISTEN hears nothing and a prepared statement is gone when it is
wanted. Supabase's is known by its port; any other is found out by calling and listening whether it comes.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Literal

import psycopg

from gtr_jobs.db.connect import Database, connect_async

CHANNEL = "gtr_jobs_wake"
ANSWER_SECONDS = 1.0

PoolMode = Literal["auto", "session", "transaction"]

# Connecting twice and asking twice, and the second that an answer may take.
_PROBE_SECONDS = 10.0
_LOOKS = "jobs are found by looking every second"
_WAYS_OUT = (
    "take the direct connection or the session pooler (port 5432), or name one in "
    "GTR_LISTEN_DATABASE_URL for listening alone"
)


@dataclass(frozen=True, slots=True)
class PoolerFinding:
    """How a worker may use its connections.

    Args:
        is_session: A connection is the worker's own: what is prepared on it stays.
        listen_at: Where calls come through; None where nowhere.
        warnings: What an operator should know, each naming the setting.
    """

    is_session: bool
    listen_at: Database | None
    warnings: tuple[str, ...]


async def find_pooler(
    database: Database, listen_database: Database | None, mode: PoolMode
) -> PoolerFinding:
    """Find out how connections may be used; takes a second where nothing is heard.

    Args:
        database: Where the worker works.
        listen_database: Where it is to listen, where that is told apart.
        mode: What GTR_POOL_MODE says.

    Raises:
        ConfigurationError: A connection cannot be made as it is set.
        TryAgainError: A server is away.
    """
    warnings: list[str] = []
    is_session = await _is_session(database, mode, warnings)
    if listen_database is not None:
        if await hears_calls(listen_database, database):
            return PoolerFinding(is_session, listen_database, tuple(warnings))
        warnings.append(
            f"{listen_database.setting}: no call came through within {ANSWER_SECONDS:g} s, so {_LOOKS}: "
            "it wants the direct connection or a session pooler of the same database"
        )
        return PoolerFinding(is_session, None, tuple(warnings))
    if not is_session:
        warnings.append(f"{database.setting}: through a transaction pooler {_LOOKS}: {_WAYS_OUT}")
    return PoolerFinding(is_session, database if is_session else None, tuple(warnings))


async def _is_session(database: Database, mode: PoolMode, warnings: list[str]) -> bool:
    if database.has_transaction_port() and mode != "session":
        return False
    hears = await hears_calls(database, database)
    if mode == "transaction":
        if hears:
            warnings.append(
                f"GTR_POOL_MODE is transaction, and {database.setting} leads to no such pooler: "
                "leave it out, and statements are prepared"
            )
        return False
    if not hears and mode == "session":
        warnings.append(
            f"GTR_POOL_MODE is session, and no call came through {database.setting} within "
            f"{ANSWER_SECONDS:g} s: it is treated as a transaction pooler"
        )
    elif not hears:
        warnings.append(
            f"{database.setting}: no call came through within {ANSWER_SECONDS:g} s, as behind a pooler in "
            "transaction mode; it is treated as one: GTR_POOL_MODE=transaction says so"
        )
    return hears


async def hears_calls(listener: Database, caller: Database) -> bool:
    """Say whether a NOTIFY of one connection reaches another in a second."""
    payload = f"probe {secrets.token_hex(8)}"
    listening = await connect_async(listener)
    try:
        calling = await connect_async(caller)
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await listening.execute(f"listen {CHANNEL}")
                await calling.execute(
                    "select pg_catalog.pg_notify(%s, %s)", [CHANNEL, payload], prepare=False
                )
                async for call in listening.notifies(timeout=ANSWER_SECONDS):
                    if call.payload == payload:
                        return True
                # A transaction pooler keeps the connection, and whoever gets it next would listen.
                await listening.execute("unlisten *")
        except (TimeoutError, psycopg.OperationalError):
            return False
        finally:
            await calling.close()
    finally:
        await listening.close()
    return False
