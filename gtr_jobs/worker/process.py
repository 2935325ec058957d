"""One worker process, as its parent starts, hears and orders it."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from subprocess import DEVNULL

from gtr_jobs.worker.orders import Begin, Order, write_begin, write_order
from gtr_jobs.worker.reports import MAX_REPORT_BYTES, Report, read_report

# -P: what lies in the working directory is no part of the package.
COMMAND = (sys.executable, "-P", "-m", "gtr_jobs.cli.child")
# What was reported before the end may still be on its way.
_LAST_WORDS_SECONDS = 2.0


class ChildProcess:
    """A process that runs one worker.

    Args:
        process: What runs.
        reader: Its reports.
        writer: Takes its orders.
        on_report: Is given each report.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_report: Callable[[Report], None],
    ) -> None:
        self._process = process
        self._writer = writer
        self._on_report = on_report
        self.reports = 0
        self.works = asyncio.Event()
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_started(self) -> bool:
        """Whether it ever said that it works."""
        return self.works.is_set()

    def order(self, order: Order) -> None:
        """Tell it to stop, or to hurry; one that does not work yet is ended."""
        if not self.has_started:
            # It has claimed nothing. Where it begins just now, the same signal stops it in order.
            self._signal(signal.SIGTERM)
        self.tell(order)

    def tell(self, order: Order) -> None:
        """Pass an order on; one that does not work yet finds it when it does."""
        with suppress(OSError):
            self._writer.write(write_order(order))

    def kill(self) -> None:
        """End it at once; its jobs are rescued."""
        self._signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it ended and all that it said was heard; give its exit code, negative for a signal."""
        code = await self._process.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await asyncio.shield(self._reading)
        self._reading.cancel()
        self._writer.close()
        return code

    async def _read(self, reader: asyncio.StreamReader) -> None:
        # A line that is too long is a fault of ours, and costs the reports of one process.
        with suppress(OSError, ValueError):
            while line := await reader.readline():
                report = read_report(line)
                if report is not None:
                    self.reports += 1
                    self._on_report(report)
                    self.works.set()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


async def start_process(
    begin: Begin, on_report: Callable[[Report], None], command: Sequence[str] = COMMAND
) -> ChildProcess:
    """Start a worker process.

    It gets a process group of its own: what a terminal sends to all (Ctrl-C) reaches the parent
    alone, which passes it on once.

    Args:
        begin: What it is told first.
        on_report: Is given each of its reports.
        command: What runs; the number of its socket is put behind it.
    """
    ours, its = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            str(its.fileno()),
            stdin=DEVNULL,
            pass_fds=(its.fileno(),),
            process_group=0,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        # Kept open here, its end would never be seen.
        its.close()
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_REPORT_BYTES)
    writer.write(write_begin(begin))
    return ChildProcess(process, reader, writer, on_report)
