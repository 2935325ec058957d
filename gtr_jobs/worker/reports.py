"""What a worker process tells its parent, every second: how it is and what it counts."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import assert_never

from gtr_jobs.observe.merging import Family, read_families
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.ops.health import Health
from gtr_jobs.ops.processes import ProcessHealth, health_of
from gtr_jobs.worker.orders import Order, read_order

REPORT_SECONDS = 1.0
# A report of thousands of series is some hundred kilobytes; no line is longer than this.
MAX_REPORT_BYTES = 16 * 1024 * 1024
_LAST_REPORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Args:
        health: How the process is.
        families: What it counts.
    """

    health: ProcessHealth
    families: list[Family]


def write_report(report: Report) -> bytes:
    """Write a report as one line."""
    return json.dumps(asdict(report), separators=(",", ":")).encode() + b"\n"


def read_report(line: bytes) -> Report | None:
    """Read a report; None where the line was cut off because its process died."""
    try:
        record = json.loads(line)
        return Report(ProcessHealth(**record["health"]), record["families"])
    except (ValueError, KeyError, TypeError):
        return None


class ParentLink:
    """A worker process' line to its parent; it stands where a single worker has its HTTP server.

    Args:
        parent: The process' end of the socket pair.
        address: Where the parent's pages are.
        health: What is reported.
        metrics: What is reported.
    """

    def __init__(
        self, parent: socket.socket, address: str, health: Health, metrics: Metrics
    ) -> None:
        self._parent = parent
        self._address = address
        self._health = health
        self._metrics = metrics
        self._on_stop: Callable[[], None] = _ignore
        self._on_hurry: Callable[[], None] = _ignore
        self._on_reload: Callable[[], None] = _ignore

    def obey(
        self,
        on_stop: Callable[[], None],
        on_hurry: Callable[[], None],
        on_reload: Callable[[], None],
    ) -> None:
        """Say what is to be done when the parent orders so, or is gone."""
        self._on_stop, self._on_hurry, self._on_reload = on_stop, on_hurry, on_reload

    def bind(self) -> str:
        """Give the address of the parent's pages: it has them for all."""
        return self._address

    async def run(self) -> None:
        """Report, and obey, until cancelled; then report once more."""
        reader, writer = await asyncio.open_unix_connection(sock=self._parent)
        listening = asyncio.create_task(self._listen(reader))
        try:
            await self._report_until_cut(writer)
            await asyncio.Event().wait()
        finally:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LAST_REPORT_SECONDS):
                    await self._report(writer)
            listening.cancel()
            writer.close()

    async def _report_until_cut(self, writer: asyncio.StreamWriter) -> None:
        # A parent that is gone is noticed by who listens.
        with suppress(OSError):
            while True:
                await self._report(writer)
                await asyncio.sleep(REPORT_SECONDS)

    async def _report(self, writer: asyncio.StreamWriter) -> None:
        report = Report(health_of(self._health), read_families(self._metrics.registry))
        writer.write(write_report(report))
        await writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                self._carry_out(read_order(line))
        # Nobody would start it anew, and nobody can order it to stop: it ends as if it had been told.
        self._on_stop()

    def _carry_out(self, order: Order) -> None:
        match order:
            case "stop":
                self._on_stop()
            case "hurry":
                self._on_hurry()
            case "reload":
                self._on_reload()
            case _:
                assert_never(order)


def _ignore() -> None:
    """Do nothing: nobody has said yet what is to be done."""
