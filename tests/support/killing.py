"""Kills workers in the middle of sending texts and e-mails, and holds what was accepted against the ledger."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from typing import Literal
from uuid import UUID

from support.texting import (
    create_texter,
    email_settings,
    notify_email,
    notify_sms,
    sms_settings,
)
from support.warm import WarmWorker
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect, Stall
from gtr_jobs.dev.standins.script import ACCEPT, AfterAccepting, ScriptedAnswer, Slow
from gtr_jobs.dev.worker_process import WorkerProcess

TEXTS_A_KILL = 4
_PATIENCE = 60.0
_LEDGER = "select dedupe_key::text, state::text, resent_after_unknown from gtr_jobs.deliveries"


async def bury(way: Way) -> None:
    """Make every worker as silent as it would be after its calls are over: what it held is given back."""
    await way.fetch("update gtr_jobs.outgoing set deadline = now() where deadline > now()")
    await way.fetch(
        "update procrastinate.procrastinate_workers set last_heartbeat = last_heartbeat - interval '31 s'"
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

    def __init__(self, way: Way, seed: int, channel: Literal["sms", "email"] = "sms") -> None:
        self._way = way
        self._channel = channel
        self._addresses: dict[str, str] = {}
        self._chance = random.Random(seed)
        self._texted = 0

    async def run(self, kills: int) -> None:
        """Kill so many workers, and let the last one clear up."""
        for _ in range(kills):
            async with AsyncExitStack() as running:
                worker = await running.enter_async_context(self._worker())
                for _ in range(TEXTS_A_KILL):
                    await self._text()
                await asyncio.sleep(self._chance.uniform(0.0, 0.8))
                await worker.kill()
            await bury(self._way)
        async with self._worker():
            await settle(self._way)

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

    async def _text(self) -> None:
        self._texted += 1
        number = f"+1415555{self._texted:04d}"
        texter = await create_texter(self._way.connection, f"person{self._texted}", number)
        wait = self._chance.uniform(0.0, 0.3)
        answer: ScriptedAnswer = self._chance.choice(
            (ACCEPT, Slow(wait), Slow(wait), AfterAccepting(Stall()), Stall(), Disconnect())
        )
        providers = self._way.providers
        if self._channel == "sms":
            address, script = number, providers.twilio.script
            asked = notify_sms(self._way.connection, texter)
        else:
            address, script = f"person{self._texted}@example.test", providers.smtp.script
            asked = notify_email(self._way.connection, texter)
        script.for_token(address).add(answer)
        self._addresses[str(UUID((await asked)["delivery_id"]))] = address

    async def check(self) -> Counter[str]:
        """Hold the books against each other; give how many deliveries ended how.

        Each was accepted at most once, but for those that are marked as sent again. What is sent was accepted, and of
        nothing that was accepted the ledger says that it was not.
        """
        rows = await self._way.fetch(_LEDGER)
        ledger = {key: (state, is_resent) for key, state, is_resent in rows}
        assert ledger.keys() <= self._addresses.keys()
        dead = {
            key for (key,) in await self._way.fetch("select args ->> 'id' from gtr_jobs.dead_jobs")
        }
        accepted = Counter(entry.token for entry in self._way.providers.ledger.entries())
        fates: Counter[str] = Counter()
        for delivery_id, address in self._addresses.items():
            # Three workers may be killed before one of them begins.
            state, is_resent = ledger.get(delivery_id, ("not begun", False))
            assert accepted[address] <= 1 + is_resent, (state, is_resent)
            if state in {"unknown", "not begun"}:
                # Three workers were killed over it, or nobody can be asked: it is left to an operator.
                assert delivery_id in dead
                assert state == "unknown" or not accepted[address]
            else:
                assert (state, accepted[address] >= 1) == ("sent", True)
            fates[f"{state}{' again' if is_resent else ''}"] += 1
        return fates
