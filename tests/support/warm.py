"""Starts `gtr-jobs` as a process of its own that has imported everything already.

A test run starts the command hundreds of times, and nearly all that each start takes is the same imports. Here one
process a test process makes them, and forks for every command: what runs is the real `main()`, with arguments,
environment, folder and streams of its own, and it hears signals and is killed as any other.
What is about the start itself runs the interpreter anew (`gtr_jobs.dev.worker_process`, `start_command`).
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, Final

from gtr_jobs.cli.commands import COMMANDS
from gtr_jobs.dev.worker_process import GTR_JOBS, LONGEST_LINE, Launched, WorkerProcess

# What commands load where they use it, beside themselves.
_PRELOADED: Final = (
    "gtr_jobs.cli.main",
    *sorted({f"gtr_jobs.cli.{known.where.partition(':')[0]}" for known in COMMANDS.values()}),
    "gtr_jobs.app.http",
    "gtr_jobs.app.key_checks",
    "gtr_jobs.app.message_lanes",
    "gtr_jobs.app.worker",
    "gtr_jobs.providers.apns",
    "gtr_jobs.providers.expo",
    "gtr_jobs.providers.fcm",
    "gtr_jobs.providers.smtp",
    "gtr_jobs.providers.twilio",
    "gtr_jobs.tasks.email",
    "gtr_jobs.tasks.sms",
    "gtr_jobs.templates.catalog",
    "gtr_jobs.worker.process",
    "rich.console",
    "structlog",
)


def start_warm(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None,
    streams: Mapping[int, int],
) -> ForkServerProcess:
    """Start `gtr-jobs`; the process that is given ends as the command does.

    Args:
        arguments: What stands behind `gtr-jobs`.
        environment: All of its environment.
        folder: Its working directory; None is ours.
        streams: What it has open by 0, 1 and 2, by our numbers; others are ours.
    """
    handed = {number: _Handed(ours) for number, ours in streams.items()}
    process = _context().Process(
        target=_run,
        args=(list(arguments), dict(environment), folder or Path.cwd(), _fresh_path(), handed),
        daemon=True,
    )
    process.start()
    return process


class WarmWorker(WorkerProcess):
    """A daemon that starts in a tenth of the time; see `WorkerProcess`."""

    async def _launch(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None
    ) -> Launched:
        if tuple(command[: len(GTR_JOBS)]) != GTR_JOBS:
            return await super()._launch(command, environment, folder)
        return await _Warm.start(command[len(GTR_JOBS) :], environment, folder)


class _Warm:
    """A started process, as asyncio would have it."""

    def __init__(self, process: ForkServerProcess, stderr: asyncio.StreamReader) -> None:
        self._process = process
        self.stderr: asyncio.StreamReader | None = stderr
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    @classmethod
    async def start(
        cls, arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None
    ) -> _Warm:
        """Start one whose standard error is read here."""
        loop = asyncio.get_running_loop()
        stderr = asyncio.StreamReader(limit=LONGEST_LINE)
        read, write = os.pipe()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(read, "rb")
        )
        try:
            return cls(start_warm(arguments, environment, folder, {2: write}), stderr)
        finally:
            os.close(write)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code; None while it runs, or nobody has heard of its end."""
        return self._process.exitcode if self._ended.is_set() else None

    async def wait(self) -> int:
        """Wait for its end, and give its exit code."""
        await self._ended.wait()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


class _Handed:
    """A file that a new process gets, by whatever number it has there."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _detach, (DupFd(self._number),)


def _detach(handed: Any) -> int:
    number: int = handed.detach()
    return number


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_PRELOADED])
    return context


@cache
def _fresh_path() -> list[str]:
    """Say where a new interpreter looks for modules: a test's own are none of the command's."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.path, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.removesuffix("\n").split("\n")


def _run(
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    path: list[str],
    streams: dict[int, int],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    given = environment.get("PYTHONPATH")
    sys.path[:] = [*path[:1], *(given.split(os.pathsep) if given else []), *path[1:]]
    sys.argv = ["-c", *arguments]
    for number, handed in streams.items():
        os.dup2(handed, number)
        os.close(handed)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (what multiprocessing has closed)
    # The server's own, which it takes from its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    from gtr_jobs.cli.main import main  # noqa: PLC0415  (here it is in memory; there it need not be)

    main()
