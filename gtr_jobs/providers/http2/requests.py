"""The requests of a connection: those under way, and those that wait until the server allows a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from gtr_jobs.providers.exchange import Broken, NotSent, Result
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError
from gtr_jobs.providers.http2.sender import Sender
from gtr_jobs.providers.http2.stream import NEVER_PROCESSED, Stream

# Until the server has said how many it allows (RFC 9113, 6.5.2 recommends no fewer).
_FIRST_STREAMS = 100
# A loop's timers may go off that many seconds early.
_TICK = 0.001


class Requests:
    """Begins requests when there is a stream for them, and ends each at its deadline at the latest.

    Args:
        sender: Writes them.
        done: Called when nothing is under way and nothing more is taken.
    """

    def __init__(self, sender: Sender, done: Callable[[], None]) -> None:
        self.takes_more = False
        self._loop = asyncio.get_running_loop()
        self._sender = sender
        self._done = done
        # By the number of their stream; read by others, changed here.
        self.under_way: dict[int, Stream] = {}
        self._queue: deque[Stream] = deque()
        self._most_streams = _FIRST_STREAMS
        self._next_number = 1
        self._sweeping: asyncio.Handle | None = None
        self._sweep_at = inf

    def add(
        self, path: str, body: bytes, fields: Iterable[tuple[str, str]], expires: float
    ) -> Stream:
        """Send a request as soon as there is a stream for it; see `Stream` for what is given and what is told."""
        future: asyncio.Future[Result | None] = self._loop.create_future()
        stream = Stream(path, body, fields, expires, future)
        if not self.takes_more:
            stream.end(None)
            return stream
        if self._queue or len(self.under_way) >= self._most_streams:
            self._queue.append(stream)
        else:
            self._begin(stream)
        if expires < self._sweep_at:
            self._sweep_later(expires)
        return stream

    def check(self, number: int) -> None:
        """See that a stream which is not under way has been.

        Raises:
            ProtocolError: There never was such a stream.
        """
        if number % 2 == 0 or number >= self._next_number:
            raise ProtocolError(Code.PROTOCOL_ERROR)

    def allow(self, streams: int) -> None:
        """Take note of how many the server allows at a time."""
        self._most_streams = streams
        self._begin_queued()

    def cancel(self, stream: Stream, code: Code = Code.CANCEL) -> None:
        """Let go of a request, and tell the server; it may still be processed."""
        if self.under_way.get(stream.number) is stream:
            self._sender.reset(stream, code)
            self.finish(stream)

    def finish(self, stream: Stream) -> None:
        """Make room for the next one."""
        del self.under_way[stream.number]
        if self._queue:
            self._begin_queued()
        elif not self.takes_more and not self.under_way:
            self._done()

    def end_beyond(self, last: int) -> None:
        """End what the server says that it has not processed, and will not."""
        for stream in [s for n, s in self.under_way.items() if n > last]:
            self._sender.drop(stream)
            if stream.is_begun:
                # Whoever answers has processed.
                stream.end_broken()
            else:
                stream.end(NEVER_PROCESSED)
            del self.under_way[stream.number]

    def retire(self) -> None:
        """Take nothing more; what is under way goes on."""
        self.takes_more = False
        while self._queue:
            self._queue.popleft().end(None)
        if not self.under_way:
            self._done()

    def end_all(self, result: Broken | None) -> None:
        """End what is under way, as broken where nothing better is said; what is queued was never sent."""
        self.takes_more = False
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        streams = list(self.under_way.values())
        self.under_way.clear()
        for stream in streams:
            self._sender.drop(stream)
            if result is None:
                stream.end_broken()
            else:
                stream.end(result)
        while self._queue:
            self._queue.popleft().end(None if result is None else NotSent("pool_closed"))

    def _begin(self, stream: Stream) -> None:
        stream.number = self._next_number
        try:
            self._sender.send(stream)
        except ValueError:
            # The next one gets the number.
            stream.number = 0
            stream.end(NotSent("request_invalid"))
            return
        self.under_way[stream.number] = stream
        self._next_number += 2
        if self._next_number > frames.LARGEST_STREAM:
            self.retire()

    def _begin_queued(self) -> None:
        while self._queue and len(self.under_way) < self._most_streams:
            stream = self._queue.popleft()
            if not stream.future.done():
                self._begin(stream)

    def _sweep_later(self, at: float) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._sweep_at = at
        self._sweeping = self._loop.call_at(at, self._sweep)

    def _sweep(self) -> None:
        """End what is past its deadline, and look again at the next one."""
        self._sweeping, self._sweep_at = None, inf
        now = self._loop.time() + _TICK
        # First what is queued: room that is made is for those that have time left.
        queued, self._queue = self._queue, deque()
        for stream in queued:
            if stream.expires <= now:
                stream.end(NotSent("pool_timeout"))
            elif not stream.future.done():
                self._queue.append(stream)
        for stream in [s for s in self.under_way.values() if s.expires <= now]:
            stream.end(Broken("deadline"))
            self.cancel(stream)
        # Whoever was handed on by another connection is older than what is before it.
        left = min((s.expires for s in (*self.under_way.values(), *self._queue)), default=inf)
        if left < inf:
            self._sweep_later(left)
