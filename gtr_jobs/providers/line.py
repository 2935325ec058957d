"""Who waits for a request to be sent: in the order in which they came, and not for ever."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from gtr_jobs.domain.outcome import Held

# What waits longer for its turn goes back into the queue.
LONGEST_WAIT = 5.0
_SWEEP_SECONDS = 1.0
_BUSY = Held("busy", 2.0)


class Line:
    """Those who wait for one account.

    Args:
        wait: Seconds until the next may go; 0 at once, infinity when another has ended.
        begin: Called for each who goes.
        clock: A monotonic clock.
    """

    def __init__(
        self,
        wait: Callable[[float], float],
        begin: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._wait = wait
        self._begin = begin
        self._clock = clock
        self._waiting: deque[tuple[float, asyncio.Future[Held | None]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def stand(self, undo: Callable[[], None]) -> Held | None:
        """Wait; give None when it is one's turn, which has begun then.

        Args:
            undo: Called where the turn came, and whoever waited for it is gone.
        """
        future: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._clock(), future))
        self.move()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result() is None:
                undo()
                self.move()
            raise

    def move(self) -> None:
        """Let go whose turn it is, and send away who waited too long."""
        now = self._clock()
        wait = math.inf
        while self._waiting:
            asked_at, future = self._waiting[0]
            if not future.done():
                if now - asked_at > LONGEST_WAIT:
                    future.set_result(_BUSY)
                elif (wait := self._wait(now)) > 0:
                    break
                else:
                    self._begin(now)
                    future.set_result(None)
            self._waiting.popleft()
        if self._waiting and self._alarm is None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.001, min(wait, _SWEEP_SECONDS)), self._ring)

    def send_away(self, held: Held) -> None:
        """Let nobody wait any more."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(held)

    def _ring(self) -> None:
        self._alarm = None
        self.move()
