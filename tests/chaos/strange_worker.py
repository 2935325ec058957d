"""`gtr-jobs worker` with a fault of its own: `python strange_worker.py FAULT`.

Faults: leak (says aloud what it sends), twice (sends everything twice), silent (says accepted and sends
nothing), wrong_exit (ends with 3 when it is told to stop), traceback (prints one).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from gtr_jobs.cli.main import main
from gtr_jobs.domain.outcome import Accepted, Outcome
from gtr_jobs.domain.push import Push
from gtr_jobs.providers.fcm import FcmProvider
from gtr_jobs.worker.daemon import Daemon

_send: Callable[[Any, Sequence[Push]], Any] = FcmProvider.send
_run: Callable[[Any], Any] = Daemon.run


async def leak(self: FcmProvider, pushes: Sequence[Push]) -> list[Outcome]:
    """Say aloud what is sent."""
    sys.stderr.write(f"{pushes[0].message.body}\n")
    sys.stderr.flush()
    outcomes: list[Outcome] = await _send(self, pushes)
    return outcomes


async def twice(self: FcmProvider, pushes: Sequence[Push]) -> list[Outcome]:
    """Send everything twice."""
    await _send(self, pushes)
    outcomes: list[Outcome] = await _send(self, pushes)
    return outcomes


async def silent(_: FcmProvider, pushes: Sequence[Push]) -> list[Outcome]:
    """Send nothing, and say that it was taken."""
    return [Accepted("none") for _ in pushes]


def _somewhere() -> TracebackType | None:
    try:
        int("strange")
    except ValueError as error:
        return error.__traceback__
    return None


async def complain(self: FcmProvider, pushes: Sequence[Push]) -> list[Outcome]:
    """Print a traceback."""
    traceback.print_exception(RuntimeError("strange").with_traceback(_somewhere()))
    outcomes: list[Outcome] = await _send(self, pushes)
    return outcomes


async def wrong_exit(self: Daemon) -> None:
    """End with another code."""
    await _run(self)
    sys.exit(3)


_SENDS = {"leak": leak, "twice": twice, "silent": silent, "traceback": complain}

if __name__ == "__main__":
    fault = sys.argv[1]
    if fault in _SENDS:
        setattr(FcmProvider, "send", _SENDS[fault])  # noqa: B010 - mypy knows that it is a method
    else:
        setattr(Daemon, "run", wrong_exit)  # noqa: B010
    sys.argv = ["gtr-jobs", "worker"]
    main()
