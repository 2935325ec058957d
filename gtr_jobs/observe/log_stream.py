"""Writes the log beside the event loop: whoever does not read it holds up nothing but the log.

A pipe whose reader has stopped takes 64 KiB and then no more, a full disk nothing at all. A worker that wrote
its lines itself would stand still, with jobs in its hands and a heart that no longer beats.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

MOST_LINES = 10_000
# Faults are on their way out before whatever they end ends the process.
_FLUSH_SECONDS = 1.0
# Lines of one moment are written together: a thread that runs for each would take turns with the event loop.
_GATHER_SECONDS = 0.01


class LogStream(logging.Handler):
    """Takes records at once and writes them in a thread; what finds no room is lost, and counted.

    Args:
        descriptor: The file to write to.
        keep: How many lines may wait.
    """

    def __init__(self, descriptor: int, keep: int = MOST_LINES) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._keep = keep
        self._lines: deque[str] = deque()
        self._came = threading.Event()
        self._written = threading.Event()
        self._written.set()
        self._count_loss: Callable[[int], object] = _count_nothing
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def count_losses(self, count: Callable[[int], object]) -> None:
        """Tell somebody how many lines were lost, whenever some are."""
        self._count_loss = count

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; an error waits a moment until it is written."""
        self.take(self.format(record))
        if record.levelno >= logging.ERROR:
            self.flush()

    def take(self, line: str) -> None:
        """Take a line; where no room is left for it, it is lost and counted."""
        if len(self._lines) >= self._keep:
            self._count_loss(1)
            return
        self._written.clear()
        self._lines.append(line)
        if not self._came.is_set():
            self._came.set()

    def flush(self) -> None:
        """Wait until all that was taken is written, a second at most."""
        self._written.wait(_FLUSH_SECONDS)

    def _run(self) -> None:
        while True:
            self._came.wait()
            time.sleep(_GATHER_SECONDS)
            self._came.clear()
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(100, len(self._lines)))]
                self._write(batch)
            self._written.set()

    def _write(self, batch: list[str]) -> None:
        left = memoryview(("\n".join(batch) + "\n").encode(errors="replace"))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            # The reader is gone, or the disk is full: there is nobody to tell.
            self._count_loss(len(batch))


def _count_nothing(_: int) -> None:
    """Stand in until somebody counts."""
