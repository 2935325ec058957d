"""Kills workers in the middle of sending texts and e-mails, and holds what was accepted against the ledger."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

from support.letters import Channel, Letters
from support.texting import email_settings, sms_settings
from support.warm import WarmWorker
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect, Stall
from gtr_jobs.dev.standins.script import ACCEPT, AfterAccepting, ScriptedAnswer, Slow
from gtr_jobs.dev.worker_process import WorkerProcess

TEXTS_A_KILL = 4
_PATIENCE = 60.0


async def bury(way: Way) -> None:
    """Make every worker as silent as it would be after its calls are over: what it held is given back."""
    await way.fetch("update gtr_jobs.outgoing set deadline = now() where deadline > now()")
    await way.fetch(
        "update procrastinate.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
    )


async def wait_for_state(way: Way, state: str, count: int = 1) -> None:
    """Wait until so many deliveries are in a state."""
    async with asyncio.timeout(15):
        while await way.fetch(
            "select count(*) >= %s from gtr_jobs.deliveries where state::text = %s", count, state
        ) != [(True,)]:
            await asyncio.sleep(0.005)


async def settle(way: Way) -> None:
    """Wait until no job is left; what the last worker left is given back to the one that runs."""
    async with asyncio.timeout(_PATIENCE):
        while await way.fetch("select 1 from gtr_jobs.jobs limit 1"):
            await asyncio.sleep(0.05)


class Kills:
    """Texts people, or writes them e-mails, while workers are killed, each at another moment.

    Args:
        way: The database, and the providers' stand-ins.
        seed: Makes the moments.
        channel: What is sent.
    """

    def __init__(self, way: Way, seed: int, channel: Channel = "sms") -> None:
        self._way = way
        self._channel = channel
        self._letters = Letters(way, channel)
        self._chance = random.Random(seed)

    async def run(self, kills: int) -> Counter[str]:
        """Kill so many workers, let the last one clear up, and give how many letters ended how."""
        for _ in range(kills):
            async with AsyncExitStack() as running:
                worker = await running.enter_async_context(self._worker())
                for _ in range(TEXTS_A_KILL):
                    await self._letters.write(self._draw())
                await asyncio.sleep(self._chance.uniform(0.0, 0.8))
                await worker.kill()
            await bury(self._way)
        async with self._worker():
            await settle(self._way)
        return await self._letters.check()

    def _worker(self) -> WorkerProcess:
        return WarmWorker(
            {
                **self._way.settings,
                **email_settings(self._way),
                **sms_settings(self._way, "1,1.5,2"),
                "GTR_MESSAGE_CALL_SECONDS": "1",
                "GTR_QUEUES": self._channel,
            }
        )

    def _draw(self) -> ScriptedAnswer:
        wait = self._chance.uniform(0.0, 0.3)
        return self._chance.choice(
            (ACCEPT, Slow(wait), Slow(wait), AfterAccepting(Stall()), Stall(), Disconnect())
        )
