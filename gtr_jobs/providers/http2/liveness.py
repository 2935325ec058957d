"""Whether the other side of a connection is still there, asked after a silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Liveness:
    """Asks for a sign of life after a silence, and says when none came.

    Args:
        after: Seconds of silence before it asks.
        patience: Seconds that the sign may take.
    """

    def __init__(self, after: float, patience: float) -> None:
        self._after = after
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._ask: Callable[[], None] = _do_nothing
        self._give_up: Callable[[], None] = _do_nothing

    def start(self, ask: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Begin.

        Args:
            ask: Asks for a sign of life.
            give_up: Called once, when none came.
        """
        self._ask, self._give_up = ask, give_up
        self._heard_at = self._loop.time()
        self._timer = self._loop.call_later(self._after, self._look)

    def note(self) -> None:
        """Take note that something was heard."""
        self._heard_at = self._loop.time()

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        silent_at = self._heard_at + self._after
        if silent_at > self._loop.time():
            self._timer = self._loop.call_at(silent_at, self._look)
            return
        self._ask()
        self._timer = self._loop.call_later(self._patience, self._judge, self._heard_at)

    def _judge(self, heard_at: float) -> None:
        if self._heard_at > heard_at:
            self._look()
        else:
            self._timer = None
            self._give_up()


def _do_nothing() -> None:
    """Stand in for what `start` is told."""
