"""The signals that a worker heeds: those that tell it to stop, and the one that tells it to read credentials anew."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ALL = (*STOP_SIGNALS, signal.SIGHUP)
# Linux sends SIGHUP to the foreground of a session that ends, and takes the terminal away after it.
_TERMINAL_SECONDS = 0.25


def heed_signals(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], object], reload: Callable[[], object]
) -> None:
    """Have something called at each of them; what is ignored stays so: `nohup` asks to outlive the terminal.

    SIGHUP has two meanings. Somebody sends it: read credentials anew. The terminal from which the
    worker was started is gone: nobody can press Ctrl-C any more, and it stops in order.

    Args:
        loop: Whose signals.
        stop: Called to stop.
        reload: Called to read credentials anew.
    """
    had_terminal = _has_terminal()

    def hang_up() -> None:
        if had_terminal:
            loop.call_later(_TERMINAL_SECONDS, lambda: reload() if _has_terminal() else stop())
        else:
            reload()

    for number in _ALL:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, hang_up if number is signal.SIGHUP else stop)


def ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """At the very end all is written: one signal more must not turn the exit code into its own."""
    for number in _ALL:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _has_terminal() -> bool:
    """Say whether the process has a controlling terminal."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    os.close(descriptor)
    return True
