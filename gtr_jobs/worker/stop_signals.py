"""The signals by which a worker is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

# SIGHUP: the terminal that it was started from is gone.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def heed_stop_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    """Have something called at each of them; what is ignored stays so: `nohup` asks to outlive the terminal."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)


def ignore_stop_signals(loop: asyncio.AbstractEventLoop) -> None:
    """At the very end all is written: one signal more must not turn the exit code into its own."""
    for number in STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
