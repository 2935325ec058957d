"""The watchdog ends a process whose database does not answer, and no other."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from gtr_jobs.db.contact import Contact
from gtr_jobs.worker import watchdog as watchdog_module
from gtr_jobs.worker.watchdog import Watchdog

PATIENCE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog_module, "UNANSWERED_SECONDS", 0.2)
    monkeypatch.setattr(watchdog_module, "_TICK_SECONDS", 0.02)
    monkeypatch.setattr(watchdog_module, "_LAST_WORDS_SECONDS", 0.2)


def _log() -> tuple[Any, LogCapture]:
    said = LogCapture()
    return structlog.wrap_logger(
        None, processors=[said], wrapper_class=structlog.make_filtering_bound_logger("debug")
    ), said


def test_what_is_never_answered_ends_the_process() -> None:
    """Exit 70, after one line that says how long it waited."""
    codes: queue.Queue[int] = queue.Queue()
    contact = Contact()
    log, said = _log()
    watchdog = Watchdog(contact, log, codes.put)
    with contact.asking():
        watchdog.start()
        assert codes.get(timeout=PATIENCE_SECONDS) == 70
    (line,) = said.entries
    assert (line["event"], line["log_level"]) == ("database.silent", "error")
    assert line["seconds"] >= 0.2


async def test_a_loop_that_stands_still_ends_the_process() -> None:
    """Exit 70, after one line that says that it is the worker and not its database."""
    codes: queue.Queue[int] = queue.Queue()
    contact = Contact()
    log, said = _log()
    watchdog = Watchdog(contact, log, codes.put)
    watchdog.start(asyncio.get_running_loop())
    with contact.asking():
        # It blocks the loop, which is what is tried here.
        assert codes.get(timeout=PATIENCE_SECONDS) == 70
    assert [line["event"] for line in said.entries] == ["worker.stuck"]


async def test_a_loop_that_turns_ends_nothing() -> None:
    """It is asked all the time, and answers."""
    codes: queue.Queue[int] = queue.Queue()
    log, said = _log()
    watchdog = Watchdog(Contact(), log, codes.put)
    watchdog.start(asyncio.get_running_loop())
    await asyncio.sleep(1)
    watchdog.stop()
    assert (codes.empty(), said.entries) == (True, [])


def test_what_is_answered_in_time_ends_nothing() -> None:
    """However much is asked, and however long it goes on: an error is an answer too."""
    codes: queue.Queue[int] = queue.Queue()
    contact = Contact()
    log, said = _log()
    watchdog = Watchdog(contact, log, codes.put)
    watchdog.start()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        with suppress(ConnectionRefusedError), contact.asking(), contact.asking():
            time.sleep(0.01)
            raise ConnectionRefusedError
    watchdog.stop()
    assert (codes.empty(), said.entries, contact.unanswered()) == (True, [], {})


def test_a_log_that_takes_nothing_does_not_keep_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its pipe is full and nobody reads: the end comes all the same."""
    codes: queue.Queue[int] = queue.Queue()
    contact, let_go = Contact(), threading.Event()
    log, _ = _log()
    monkeypatch.setattr(type(log), "error", lambda *_, **__: let_go.wait(), raising=False)
    with contact.asking():
        Watchdog(contact, log, codes.put).start()
        assert codes.get(timeout=PATIENCE_SECONDS) == 70
    let_go.set()


def test_time_in_which_the_process_stood_still_does_not_count() -> None:
    """A machine that slept for an hour has asked nothing for an hour."""
    contact = Contact()
    watchdog = Watchdog(contact, _log()[0], lambda _: None)
    with contact.asking():
        for _ in range(5):
            # What the thread does in a tick, however long that tick was by the clock.
            watchdog._count(min(3600.0, 2 * watchdog_module._TICK_SECONDS))
        assert 0 < max(watchdog._waited.values()) <= 5 * 2 * 0.02
    watchdog._count(0.02)
    assert watchdog._waited == {}
