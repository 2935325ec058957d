"""The daemon as a process of its own, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Self

from gtr_jobs.observe import events

_COMMAND = (sys.executable, "-c", "from gtr_jobs.cli.main import main; main()", "worker")
_START_SECONDS = 30.0
_STOP_SECONDS = 40.0
_KEPT_LINES = 10_000


class WorkerFailedError(Exception):
    """The daemon did not start, or did not end as it should; carries the end of its log."""


class WorkerProcess:
    """A running daemon, whose log is read as it writes it.

    Args:
        environment: Its settings; nothing else of ours with GTR_ in its name reaches it.
        arguments: What stands behind `gtr-jobs worker`.
    """

    def __init__(self, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("GTR_")
        }
        self._environment = {**inherited, "GTR_LOG_FORMAT": "json", **environment}
        self._arguments = arguments
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.news = asyncio.Condition()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    @property
    def log(self) -> list[str]:
        """The lines that it wrote, the newest 10,000."""
        return list(self._lines)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records that it wrote; lines that are no JSON are left out."""
        return [record for line in self._lines if (record := _read_record(line)) is not None]

    async def start(self) -> str:
        """Start it; give the address of its health and metrics once it claims jobs.

        Raises:
            WorkerFailedError: It ended first, or took too long.
        """
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *self._arguments,
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
            limit=1024 * 1024,
        )
        self._reading = asyncio.create_task(self._read_log())
        record = await self.wait_for_event(events.WORKER_STARTED, _START_SECONDS)
        return str(record["http"])

    async def wait_for_event(self, event: str, seconds: float = 10.0) -> dict[str, Any]:
        """Wait until it has logged an event, and give the first record of it.

        Raises:
            WorkerFailedError: It ended first, or took too long.
        """
        try:
            async with asyncio.timeout(seconds), self.news:
                while True:
                    for record in self.records:
                        if record.get("event") == event:
                            return record
                    if self._reading is None or self._reading.done():
                        break
                    await self.news.wait()
        except TimeoutError:
            pass
        raise WorkerFailedError(f"the worker logged no {event}\n" + "\n".join(self.log[-20:]))

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._running().send_signal(number)

    async def wait(self) -> int:
        """Wait until it ended; give its exit code."""
        async with asyncio.timeout(_STOP_SECONDS):
            code = await self._running().wait()
            if self._reading is not None:
                await self._reading
        return code

    async def stop(self) -> int:
        """Ask it to stop, as a supervisor does; give its exit code."""
        if self._running().returncode is None:
            self.send_signal(signal.SIGTERM)
        return await self.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._running().returncode is None:
            self._running().kill()
            await self.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise WorkerFailedError("the worker was not started")
        return self._process

    async def _read_log(self) -> None:
        stream = self._running().stderr
        if stream is None:
            return
        async for line in stream:
            self._lines.append(line.decode(errors="replace").rstrip("\n"))
            async with self.news:
                self.news.notify_all()
        async with self.news:
            self.news.notify_all()


def _read_record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
