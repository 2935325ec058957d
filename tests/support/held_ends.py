"""Keeps workers from writing that a message was sent, as a lock would that somebody holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.way import Way

_LOCK = 20_260
_GATE = f"""
    create function public.wait_for_the_lock() returns trigger
    language plpgsql
    as $$ begin perform pg_advisory_xact_lock_shared({_LOCK}); return new; end $$;
    create trigger wait_for_the_lock before update on gtr_jobs.deliveries
        for each row when (new.state = 'sent') execute function public.wait_for_the_lock();
"""
_WAITING = f"from pg_locks where locktype = 'advisory' and objid = {_LOCK} and not granted"


class HeldEnds:
    """The ends that wait.

    Args:
        way: The database.
    """

    def __init__(self, way: Way) -> None:
        self._way = way

    async def wait_for_one(self, *, seconds: float = 15.0) -> None:
        """Wait until somebody wants to write an end.

        Raises:
            TimeoutError: Nobody does.
        """
        async with asyncio.timeout(seconds):
            while not await self._way.fetch(f"select 1 {_WAITING}"):
                await asyncio.sleep(0.01)

    async def lose(self) -> None:
        """End the statements that wait: a server does so only when it looks whether their worker is still there."""
        async with asyncio.timeout(15):
            while await self._way.fetch(f"select pg_terminate_backend(pid) {_WAITING}"):
                await asyncio.sleep(0.01)


async def build_gate(way: Way) -> None:
    """Make it possible, once a database."""
    await way.fetch(_GATE)


@asynccontextmanager
async def hold_ends(way: Way) -> AsyncIterator[HeldEnds]:
    """Let nobody write that a message was sent; those who wait then go on afterwards."""
    async with await way.database.connect_async() as holder, holder.transaction():
        await holder.execute(f"select pg_advisory_xact_lock({_LOCK})".encode())
        yield HeldEnds(way)
