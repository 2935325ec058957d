"""How many messages are begun and not answered for: a batch waits until it fits in, first come, first served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Share:
    """The part of a batch.

    Args:
        whole: Of what.
        count: Its messages that are not answered for.
    """

    def __init__(self, whole: UnderWay, count: int) -> None:
        self._whole = whole
        self._count = count

    def end_one(self) -> None:
        """Take note that one more message is answered for; once the batch is over, nothing is left to note."""
        if self._count:
            self._count -= 1
            self._whole.leave(1)

    def end(self) -> None:
        """Take note that the batch is over."""
        self._whole.leave(self._count)
        self._count = 0


class UnderWay:
    """Counts messages, not batches: an answer that does not come keeps the place of one message."""

    def __init__(self) -> None:
        self._count = 0
        self._door = asyncio.Lock()
        self._somebody_left = asyncio.Event()

    @asynccontextmanager
    async def join(self, count: int, most: int) -> AsyncIterator[Share]:
        """Wait until so many more make no more than the most; alone a batch may be larger.

        Args:
            count: Messages of the batch.
            most: Messages of all batches.
        """
        async with self._door:
            while self._count and self._count + count > most:
                self._somebody_left.clear()
                await self._somebody_left.wait()
            self._count += count
        share = Share(self, count)
        try:
            yield share
        finally:
            share.end()

    def leave(self, count: int) -> None:
        """Make room for others."""
        self._count -= count
        self._somebody_left.set()
