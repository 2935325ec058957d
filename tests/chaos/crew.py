"""The workers of a scene: real processes, whose ends are noted, and a supervisor that starts new ones."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from chaos.history import History
from support.warm import WarmWorker

from gtr_jobs.dev.worker_process import WorkerFailedError, WorkerProcess
from gtr_jobs.observe import events

# What systemd waits before it starts a service again.
_RESTART_SECONDS = 0.5
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_NUMBERED = (events.WORKER_STARTED, events.WORKER_REGISTERED_ANEW)


Asked = Literal["killed", "stopped", "nobody"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker process ended.

    Args:
        number: Counts the scene's workers from 1.
        code: The exit code.
        asked: It was killed, told to stop, or nobody asked it to.
    """

    number: int
    code: int | None
    asked: Asked


@dataclass
class Hand:
    """One worker process.

    Args:
        number: Counts the scene's workers from 1.
        process: The process.
        signals: What it was sent, in order.
        code: How it ended; None while it runs.
    """

    number: int
    process: WorkerProcess
    http: str = ""
    signals: list[signal.Signals] = field(default_factory=list)
    is_stopped: bool = False
    is_starting: bool = True
    code: int | None = None
    ended_at: float | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs: a process that is stopped (SIGSTOP) does not."""
        return self.code is None and not self.is_stopped and not self.is_starting

    @property
    def is_running(self) -> bool:
        """Whether its process is there, stopped or not."""
        return self.code is None

    @property
    def asked(self) -> Asked:
        """Who ended it, as far as it was us."""
        if signal.SIGKILL in self.signals:
            return "killed"
        return "stopped" if {*_STOPPING}.intersection(self.signals) else "nobody"

    @property
    def worker_ids(self) -> set[int]:
        """The numbers under which it is, or was, on the register."""
        return {
            int(record["worker_id"])
            for record in self.process.records_of(*_NUMBERED)
            if "worker_id" in record
        }

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; one that has just ended by itself gets none."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
            self.signals.append(number)
            self.is_stopped = number == signal.SIGSTOP or (
                self.is_stopped and number not in {signal.SIGCONT, signal.SIGKILL}
            )


class Crew:
    """All workers of a scene.

    Args:
        settings: A worker's environment.
        history: Where starts and ends are noted.
    """

    def __init__(self, settings: dict[str, str], history: History) -> None:
        self.settings = settings
        self._history = history
        self._supervising: list[asyncio.Task[None]] = []
        self._resting = asyncio.Event()
        self.hands: list[Hand] = []

    @property
    def alive(self) -> list[Hand]:
        """Those that run."""
        return [hand for hand in self.hands if hand.is_alive]

    async def start(
        self, *arguments: str, command: Sequence[str] | None = None, **settings: str
    ) -> Hand:
        """Start a worker, and return once it claims jobs.

        Raises:
            WorkerFailedError: It ended first, or took too long.
        """
        process = WarmWorker(
            {**self.settings, **settings}, arguments, command=command, kept_lines=None
        )
        hand = Hand(len(self.hands) + 1, process)
        self.hands.append(hand)
        try:
            hand.http = await process.start()
        except WorkerFailedError:
            # One that takes too long to start is given up by its supervisor.
            hand.signals.append(signal.SIGKILL)
            hand.code = await process.kill()
            hand.ended_at = time.monotonic()
            self._history.note("worker failed to start", worker=hand.number, code=hand.code)
            raise
        hand.is_starting = False
        self._history.note("worker started", worker=hand.number, ids=sorted(hand.worker_ids))
        return hand

    async def wait(self, hand: Hand) -> int:
        """Wait until a worker has ended; give its exit code."""
        hand.code = await hand.process.wait(None)
        hand.ended_at = time.monotonic()
        said = [] if hand.code == 0 else hand.process.log[-3:]
        self._history.note("worker ended", worker=hand.number, code=hand.code, said=said)
        return hand.code

    async def kill(self, hand: Hand) -> None:
        """Kill -9."""
        hand.send(signal.SIGKILL)
        await self.wait(hand)

    async def stop(self, hand: Hand) -> int:
        """SIGTERM, as a supervisor sends it; give the exit code."""
        hand.send(signal.SIGTERM)
        return await self.wait(hand)

    async def supervise(self, size: int) -> None:
        """Keep so many workers running, as systemd does, until `rest`; return when all run."""
        places = [asyncio.Event() for _ in range(size)]
        self._supervising += [asyncio.create_task(self._keep_one(place)) for place in places]
        for place in places:
            await place.wait()

    async def _keep_one(self, is_running: asyncio.Event) -> None:
        while not self._resting.is_set():
            try:
                hand = await self.start()
            except WorkerFailedError:
                # The database may be away: a supervisor tries again.
                await asyncio.sleep(_RESTART_SECONDS)
                continue
            is_running.set()
            if self._resting.is_set():
                hand.send(signal.SIGTERM)
            await self.wait(hand)
            await asyncio.sleep(_RESTART_SECONDS)

    async def rest(self) -> None:
        """Stop everybody in order, and start nobody again."""
        self._resting.set()
        for hand in self.hands:
            if hand.code is None and not hand.is_starting:
                if hand.is_stopped:
                    hand.send(signal.SIGCONT)
                hand.send(signal.SIGTERM)
        if self._supervising:
            await asyncio.gather(*self._supervising)
        for hand in self.hands:
            if hand.code is None:
                await self.wait(hand)

    async def close(self) -> None:
        """Kill whoever is left; for the end of a scene that failed."""
        self._resting.set()
        for task in self._supervising:
            task.cancel()
        await asyncio.gather(*self._supervising, return_exceptions=True)
        for hand in self.hands:
            if hand.code is None:
                hand.code = await hand.process.kill()

    def endings(self) -> list[Ending]:
        """Say how those ended that have."""
        return [
            Ending(hand.number, hand.code, hand.asked)
            for hand in self.hands
            if hand.code is not None
        ]

    def said(self) -> list[str]:
        """Every line that any worker wrote."""
        return [line for hand in self.hands for line in hand.process.log]

    def records_of(self, *names: str) -> list[dict[str, Any]]:
        """What all workers logged of these events, worker by worker."""
        return [record for hand in self.hands for record in hand.process.records_of(*names)]
