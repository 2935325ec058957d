"""Ends a process whose database does not answer at all, or whose event loop stands still.

A connection can be half open: the network takes what is sent, and nothing ever comes back. No timeout of
the event loop is sure to end that; and none at all comes while a handler never gives the loop back. A worker
that hangs like this looks alive and does nothing. Its supervisor starts another; its jobs are rescued.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable

from gtr_jobs.db.contact import Contact
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger

UNANSWERED_SECONDS = 20.0
EXIT_CODE = 70

_TICK_SECONDS = 0.5
# Nobody reads the log, and its pipe is full: the end comes all the same.
_LAST_WORDS_SECONDS = 1.0


class Watchdog:
    """A thread that looks at what waits for an answer, the event loop's own among it.

    Time in which this process did not run (stopped, or on a machine that slept) is not held against the
    database: the thread counts its own ticks.

    Args:
        contact: What waits.
        log: Gets the last line.
        end: Ends the process with a code.
    """

    def __init__(
        self, contact: Contact, log: Logger, end: Callable[[int], object] = os._exit
    ) -> None:
        self._contact = contact
        self._log = log
        self._end = end
        self._waited: dict[int, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_waited = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Begin to look, at a running loop too where one is given."""
        self._loop = loop
        self._ask_loop()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._stopped.wait(_TICK_SECONDS):
            now = time.monotonic()
            self._count(min(now - before, 2 * _TICK_SECONDS))
            before = now
            if self._loop_waited >= UNANSWERED_SECONDS:
                # Nothing is answered while the loop stands still: this is why.
                self._end_process(events.WORKER_STUCK, self._loop_waited)
                return
            longest = max(self._waited.values(), default=0.0)
            if longest >= UNANSWERED_SECONDS:
                self._end_process(events.DATABASE_SILENT, longest)
                return

    def _ask_loop(self) -> None:
        self._loop_waited = 0.0
        if self._loop is not None and not self._stopped.is_set():
            self._loop.call_later(_TICK_SECONDS, self._ask_loop)

    def _count(self, seconds: float) -> None:
        if self._loop is not None:
            self._loop_waited += seconds
        self._waited = {
            number: self._waited[number] + seconds if number in self._waited else 0.0
            for number in self._contact.unanswered()
        }

    def _end_process(self, event: str, seconds: float) -> None:
        last_words = threading.Timer(_LAST_WORDS_SECONDS, self._end, [EXIT_CODE])
        last_words.daemon = True
        last_words.start()
        self._log.error(
            event,
            seconds=round(seconds, 1),
            hint="the worker ends with exit code 70: let its supervisor start it again",
        )
        last_words.cancel()
        self._end(EXIT_CODE)
