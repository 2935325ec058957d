"""The daemon as a process of its own, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, Self

from gtr_jobs.observe import events

# The command `gtr-jobs`, by the interpreter that runs this.
GTR_JOBS: Final = (sys.executable, "-c", "from gtr_jobs.cli.main import main; main()")
_START_SECONDS = 30.0
_STOP_SECONDS = 40.0
_KEPT_LINES = 10_000
LONGEST_LINE: Final = 1024 * 1024


class WorkerFailedError(Exception):
    """The daemon did not start, or did not end as it should; carries the end of its log."""


class Launched(Protocol):
    """A process that was started, as asyncio has it."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, a signal's number below 0; None while it runs."""

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """What it writes to standard error."""

    async def wait(self) -> int:
        """Wait for its end, and give its exit code."""


class WorkerProcess:
    """A running daemon, whose log is read as it writes it.

    Args:
        environment: Its settings; nothing else of ours with GTR_ in its name reaches it.
        arguments: What stands behind `gtr-jobs worker`.
        command: What to run instead of `gtr-jobs worker`.
        kept_lines: How many lines of its log to hold; None holds all.
        folder: Its working directory; None is that of whoever starts it.
        started: The event that says that it works.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),
        *,
        command: Sequence[str] | None = None,
        kept_lines: int | None = _KEPT_LINES,
        folder: Path | None = None,
        started: str = events.WORKER_STARTED,
    ) -> None:
        self._folder = folder
        self._started = started
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("GTR_")
        }
        self._environment = {**inherited, "GTR_LOG_FORMAT": "json", **environment}
        self._command = (*(command or (*GTR_JOBS, "worker")), *arguments)
        self._lines: deque[str] = deque(maxlen=kept_lines)
        self._process: Launched | None = None
        self._reading: asyncio.Task[None] | None = None
        self.news = asyncio.Condition()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    @property
    def log(self) -> list[str]:
        """The lines that it wrote, the newest of them where not all are held."""
        return list(self._lines)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records that it wrote; lines that are no JSON are left out."""
        return [record for line in self._lines if (record := _read_record(line)) is not None]

    def records_of(self, *names: str) -> list[dict[str, Any]]:
        """Give the records of these events; the others are not even parsed."""
        signs = tuple(f'"{name}"' for name in names)
        return [
            record
            for line in self._lines
            if any(sign in line for sign in signs)
            and (record := _read_record(line)) is not None
            and record.get("event") in names
        ]

    async def start(self) -> str:
        """Start it; give the address of its health and metrics once it claims jobs.

        Raises:
            WorkerFailedError: It ended first, or took too long.
        """
        self._process = await self._launch(self._command, self._environment, self._folder)
        self._reading = asyncio.create_task(self._read_log())
        record = await self.wait_for_event(self._started, _START_SECONDS)
        return str(record["http"])

    async def wait_for_event(self, event: str, seconds: float = 10.0) -> dict[str, Any]:
        """Wait until it has logged an event, and give the first record of it.

        Raises:
            WorkerFailedError: It ended first, or took too long.
        """
        try:
            async with asyncio.timeout(seconds), self.news:
                while True:
                    for record in self.records_of(event):
                        return record
                    if self._reading is None or self._reading.done():
                        break
                    await self.news.wait()
        except TimeoutError:
            pass
        raise WorkerFailedError(f"the worker logged no {event}\n" + "\n".join(self.log[-20:]))

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: It has ended.
        """
        process = self._running()
        if process.returncode is not None:
            raise ProcessLookupError(process.pid)
        # Not Popen.send_signal: it looks whether the process has ended, and takes its exit code from
        # the loop if so (https://github.com/python/cpython/issues/127049).
        os.kill(process.pid, number)

    async def wait(self, seconds: float | None = _STOP_SECONDS) -> int:
        """Wait until it ended, so long or (None) for ever; give its exit code."""
        async with asyncio.timeout(seconds):
            code = await self._running().wait()
            if self._reading is not None:
                await self._reading
        return code

    async def stop(self) -> int:
        """Ask it to stop, as a supervisor does; give its exit code."""
        with suppress(ProcessLookupError):
            self.send_signal(signal.SIGTERM)
        return await self.wait()

    async def kill(self) -> int:
        """End it at once, if it still runs; give its exit code once nobody writes to its log any more."""
        with suppress(ProcessLookupError):
            self.send_signal(signal.SIGKILL)
        return await self.wait()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        # Of one that has ended by itself too: its log is read to the end, and its pipe let go. Processes
        # that it left behind hold the other end of it.
        await self.kill()

    async def _launch(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None
    ) -> Launched:
        return await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=folder,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )

    def _running(self) -> Launched:
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
