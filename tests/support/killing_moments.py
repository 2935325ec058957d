"""Kills workers that are all at the same moment of sending texts or e-mails.

before    what is about to be sent is written, and the provider has not got the request
during    the provider has the request, and takes nothing
taken     the provider took the message, and its answer is on its way
answered  the answer came, and what came of it is about to be written
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from support.held_ends import build_gate, hold_ends
from support.killing import bury, settle
from support.letters import Channel, Letter, Letters
from support.proxy import Forward, Proxy
from support.proxy import Stall as Swallow
from support.texting import email_settings, sms_settings
from support.warm import WarmWorker
from support.way import Way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.script import ACCEPT, AfterAccepting, ScriptedAnswer
from gtr_jobs.dev.worker_process import WorkerProcess

Moment = Literal["before", "during", "taken", "answered"]

# As many as go to a mail server at a time.
LETTERS_A_KILL = 4
# One worker clears up after so many.
_KILLS_TOGETHER = 20
_PATIENCE = 30.0
_BEGUN = """
    select count(*) from gtr_jobs.deliveries where dedupe_key = any(%s::uuid[]) and state = 'sending'
"""

_ANSWERS: Mapping[Moment, ScriptedAnswer] = {
    "before": ACCEPT,
    "during": Stall(),
    "taken": AfterAccepting(Stall()),
    "answered": ACCEPT,
}
# Whether the provider was asked by then, and how often it took the message.
_LEFT: Mapping[Moment, tuple[bool, int]] = {
    "before": (False, 0),
    "during": (True, 0),
    "taken": (True, 1),
    "answered": (True, 1),
}


class KillsAtMoment:
    """Writes to people, and kills each worker when all that it sends is at the same moment.

    Args:
        way: The database, and the providers' stand-ins.
        channel: What is sent.
        moment: When.
    """

    def __init__(self, way: Way, channel: Channel, moment: Moment) -> None:
        self._way = way
        self._channel: Channel = channel
        self._moment: Moment = moment
        self._letters = Letters(way, channel)

    async def run(self, kills: int) -> Counter[str]:
        """Kill so many workers, have others clear up, and give how many letters ended how."""
        if self._moment == "answered":
            await build_gate(self._way)
        provider = (
            self._way.providers.twilio if self._channel == "sms" else self._way.providers.smtp
        )
        async with Proxy("localhost", urlsplit(provider.url).port or 0) as network:
            for first in range(0, kills, _KILLS_TOGETHER):
                for _ in range(min(_KILLS_TOGETHER, kills - first)):
                    await self._kill_one(network)
                await bury(self._way)
                async with self._worker(network):
                    await settle(self._way)
        return await self._letters.check()

    async def _kill_one(self, network: Proxy) -> None:
        async with self._at_moment(network) as (worker, letters):
            await worker.kill()
        await _keep_for_alive(self._way)
        known = await self._letters.know()
        left = [
            (
                known[letter.delivery_id].state,
                self._letters.script_of(letter.address).is_used_up,
                known[letter.delivery_id].accepted,
            )
            for letter in letters
        ]
        assert left == [("sending", *_LEFT[self._moment])] * LETTERS_A_KILL, left

    @asynccontextmanager
    async def _at_moment(self, network: Proxy) -> AsyncIterator[tuple[WorkerProcess, list[Letter]]]:
        """Bring a worker of its own to the moment, with the letters that it sends."""
        match self._moment:
            case "before":
                async with self._worker(network) as worker:
                    network.mode = Swallow()
                    letters = await self._write()
                    await self._wait_until_begun(letters)
                    yield worker, letters
                network.mode = Forward()
            case "during":
                async with self._worker(network) as worker:
                    letters = await self._write()
                    for letter in letters:
                        script = self._letters.script_of(letter.address)
                        await script.wait_until_used_up(_PATIENCE)
                    yield worker, letters
            case "taken":
                async with self._worker(network) as worker:
                    letters = await self._write()
                    await self._wait_until_taken(letters)
                    yield worker, letters
            case "answered":
                async with hold_ends(self._way) as ends, self._worker(network) as worker:
                    letters = await self._write()
                    await self._wait_until_taken(letters)
                    await ends.wait_for_one()
                    yield worker, letters
                    await ends.lose()

    def _worker(self, network: Proxy) -> WorkerProcess:
        """Give a worker; a call may take its time, so that nothing but the kill ends it."""
        way = self._way
        port = str(network.port)
        own = (
            {**sms_settings(way), "GTR_TWILIO_URL": f"https://localhost:{port}"}
            if self._channel == "sms"
            else {**email_settings(way), "GTR_SMTP_PORT": port}
        )
        return WarmWorker({**way.settings, **own, "GTR_MESSAGE_CALL_SECONDS": "20"})

    async def _write(self) -> list[Letter]:
        """Write what is claimed together, and so comes to the moment together."""
        return await self._letters.write(*[_ANSWERS[self._moment]] * LETTERS_A_KILL)

    async def _wait_until_begun(self, letters: Sequence[Letter]) -> None:
        keys = [letter.delivery_id for letter in letters]
        async with asyncio.timeout(_PATIENCE):
            while await self._way.fetch(_BEGUN, keys) != [(len(keys),)]:
                await asyncio.sleep(0.01)

    async def _wait_until_taken(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            await self._way.providers.ledger.wait_for(1, token=letter.address, timeout=_PATIENCE)


async def _keep_for_alive(way: Way) -> None:
    """Let nobody miss the workers that are dead: who clears up after them comes later, on a slow machine too."""
    await way.fetch(
        "update procrastinate.procrastinate_workers set last_heartbeat = now() + interval '1 h'"
    )
