"""One connection of HTTP/2: requests go out, answers come in, and of each it is known what became of it.

    request ──▶ a stream is free? ──▶ sent ──▶ answered | refused unprocessed | broken
                 └─ none: queued, and given back as never sent when the connection takes no more

Nothing here sends anything twice, and nothing waits longer than its deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import cast

from gtr_jobs.providers.exchange import LARGEST_BODY, Broken, NotSent, Result
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError, Setting
from gtr_jobs.providers.http2.headers import HeaderReader, HeaderWriter
from gtr_jobs.providers.http2.liveness import Liveness
from gtr_jobs.providers.http2.receiver import Receiver
from gtr_jobs.providers.http2.sender import Sender
from gtr_jobs.providers.http2.stream import NEVER_PROCESSED, REFUSED, Stream

# Until the server has said how many it allows (RFC 9113, 6.5.2 recommends no fewer).
_FIRST_STREAMS = 100
# A stream may bring one byte more than is kept: then it is known to be too much.
_STREAM_WINDOW = LARGEST_BODY + 1
_WINDOW = 4 * LARGEST_BODY
_DEFAULT_WINDOW = 65_535
_CLOSING_SECONDS = 1.0
_HELLO = (
    frames.PREFACE
    + frames.write_settings(
        {
            # Answers are looked up by their bytes, which only works without a table.
            Setting.HEADER_TABLE_SIZE: 0,
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
        }
    )
    + frames.write_window_update(0, _WINDOW - _DEFAULT_WINDOW)
)


class Session(asyncio.Protocol):
    """A connection to a server, for a transport whose TLS has agreed on HTTP/2.

    Args:
        headers: Writes the headers of its requests.
        liveness: Finds out whether the other side is still there.
        number: What `Answered.connection` says.
    """

    def __init__(self, headers: HeaderWriter, liveness: Liveness, number: int = 0) -> None:
        self.takes_more = False
        self._loop = asyncio.get_running_loop()
        self._sender = Sender(headers)
        self._receiver = Receiver()
        self._reader = HeaderReader()
        self._liveness = liveness
        self._number = number
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        # Both in the order of their deadlines; what is queued comes after what is under way.
        self._streams: dict[int, Stream] = {}
        self._queue: deque[Stream] = deque()
        self._most_streams = _FIRST_STREAMS
        self._next_number = 1
        self._received = 0
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._closed.done()

    def request(
        self, path: str, body: bytes, fields: Iterable[tuple[str, str]], expires: float
    ) -> Stream:
        """Send a request as soon as there is a stream for it; see `Stream` for what is given and what is told."""
        future: asyncio.Future[Result | None] = self._loop.create_future()
        stream = Stream(path, body, fields, expires, future)
        if not self.takes_more:
            stream.end(None)
        elif self._queue or len(self._streams) >= self._most_streams:
            self._queue.append(stream)
        else:
            self._begin(stream)
        if self._sweeping is None:
            self._sweeping = self._loop.call_at(expires, self._sweep)
        return stream

    def forget(self, stream: Stream) -> None:
        """Let go of a request whose answer nobody waits for any more; it may still be processed."""
        if stream.number in self._streams:
            self._sender.reset(stream, Code.CANCEL)
            self._finish(stream)

    def retire(self) -> None:
        """Take nothing more; what is under way goes on, and the connection closes after it."""
        self.takes_more = False
        while self._queue:
            self._queue.popleft().end(None)
        if not self._streams and self._transport is not None:
            self._transport.close()

    async def close(self) -> None:
        """Say goodbye, and wait for the connection's end; what is under way ends as broken."""
        self._give_up_all(Broken("pool_closed"))
        if self._transport is None or self._closed.done():
            return
        self._sender.write(frames.write_goaway(Code.NO_ERROR))
        self._sender.flush()
        self._transport.close()
        # Whoever does not answer the goodbye is not waited for.
        abort = self._loop.call_later(_CLOSING_SECONDS, self._transport.abort)
        await asyncio.shield(self._closed)
        abort.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, as asyncio says."""
        # uvloop's are no subclasses of it, and do all that it says.
        self._transport = cast("asyncio.Transport", transport)
        self._sender.attach(self._transport)
        self.takes_more = True
        self._transport.write(_HELLO)
        self._liveness.start(self._ask_for_life, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End, as asyncio says: what was under way is in doubt."""
        self._give_up_all(None)
        self._sender.attach(None)
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what has come, as asyncio says."""
        self._liveness.note()
        try:
            for kind, flags, number, payload in self._receiver.take(data):
                if kind == frames.DATA:
                    self._take_data(number, flags, payload)
                elif kind == frames.HEADERS:
                    self._take_headers(number, flags, payload)
                else:
                    self._take_control(kind, flags, number, payload)
        except ProtocolError as error:
            self._break_off(error.code)
            return
        if self._received >= _WINDOW // 2:
            self._sender.write(frames.write_window_update(0, self._received))
            self._received = 0

    def _take_headers(self, number: int, flags: int, payload: bytes) -> None:
        if flags & (frames.PADDED | frames.PRIORITY):
            payload = frames.strip_padding(payload, flags)
        stream = self._streams.get(number)
        if stream is None:
            return
        # What follows the content says nothing that anybody asks for.
        if not stream.is_begun:
            head = self._reader.read(payload)
            if head.status // 100 == 1:
                return
            stream.head = head
        if flags & frames.END_STREAM:
            self._answer(stream)

    def _take_data(self, number: int, flags: int, payload: bytes) -> None:
        length = len(payload)
        self._received += length
        stream = self._streams.get(number)
        if stream is None:
            return
        if flags & frames.PADDED:
            payload = frames.strip_padding(payload, flags & ~frames.PRIORITY)
            self._sender.write(frames.write_window_update(number, length - len(payload)))
        if not stream.is_begun:
            raise ProtocolError(Code.PROTOCOL_ERROR)
        stream.content = stream.content + payload if stream.content else payload
        if len(stream.content) > LARGEST_BODY:
            self._sender.reset(stream, Code.CANCEL)
            stream.end(Broken("answer_too_large"))
            self._finish(stream)
        elif flags & frames.END_STREAM:
            self._answer(stream)

    def _answer(self, stream: Stream) -> None:
        if self._sender.is_unsent(stream):
            # It did not want to know the rest (RFC 9113, 8.1).
            self._sender.reset(stream, Code.CANCEL)
        stream.answer(self._number)
        self._finish(stream)

    def _take_control(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        match kind:
            case frames.SETTINGS if not flags & frames.ACK:
                settings = frames.read_settings(payload)
                self._most_streams = settings.get(
                    Setting.MAX_CONCURRENT_STREAMS, self._most_streams
                )
                self._sender.apply(settings)
                self._sender.write(frames.write_frame(frames.SETTINGS, frames.ACK, 0))
                self._begin_queued()
            case frames.PING if not flags & frames.ACK:
                self._sender.write(frames.write_frame(frames.PING, frames.ACK, 0, payload))
            case frames.WINDOW_UPDATE:
                self._sender.credit(number, frames.read_word(payload) & frames.LARGEST_WINDOW)
            case frames.RST_STREAM:
                self._take_reset(number, frames.read_word(payload))
            case frames.GOAWAY:
                self._take_goodbye(frames.read_goaway(payload))
            case frames.PUSH_PROMISE:
                raise ProtocolError(Code.PROTOCOL_ERROR)
            case _:
                # Acknowledgements, and kinds that are not known (RFC 9113, 4.1).
                pass

    def _take_reset(self, number: int, code: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        self._sender.drop(stream)
        if code == Code.REFUSED_STREAM and not stream.is_begun:
            stream.end(REFUSED)
        else:
            stream.end(Broken("reset"))
        self._finish(stream)

    def _take_goodbye(self, last: int) -> None:
        """What is beyond the last stream was not processed; the others go on."""
        for stream in [s for n, s in self._streams.items() if n > last]:
            self._sender.drop(stream)
            stream.end(NEVER_PROCESSED)
            del self._streams[stream.number]
        self.retire()

    def _begin(self, stream: Stream) -> None:
        stream.number = self._next_number
        try:
            self._sender.send(stream)
        except ValueError:
            stream.end(NotSent("request_invalid"))
            return
        self._streams[stream.number] = stream
        self._next_number += 2
        if self._next_number > frames.LARGEST_STREAM:
            self.retire()

    def _begin_queued(self) -> None:
        while self._queue and len(self._streams) < self._most_streams:
            stream = self._queue.popleft()
            if not stream.future.done():
                self._begin(stream)

    def _finish(self, stream: Stream) -> None:
        del self._streams[stream.number]
        if self._queue:
            self._begin_queued()
        elif not self.takes_more and not self._streams:
            self.retire()

    def _sweep(self) -> None:
        """End what is past its deadline, and look again at the next one."""
        self._sweeping = None
        now = self._loop.time()
        for stream in list(self._streams.values()):
            if stream.expires > now:
                break
            self._sender.reset(stream, Code.CANCEL)
            stream.end(Broken("deadline"))
            self._finish(stream)
        while self._queue and self._queue[0].expires <= now:
            self._queue.popleft().end(NotSent("pool_timeout"))
        first = next(iter(self._streams.values()), self._queue[0] if self._queue else None)
        if first is not None:
            self._sweeping = self._loop.call_at(first.expires, self._sweep)

    def _ask_for_life(self) -> None:
        self._sender.write(frames.write_frame(frames.PING, 0, 0, bytes(8)))

    def _break_off(self, code: Code) -> None:
        """Leave a server that has broken the protocol."""
        self._sender.write(frames.write_goaway(code))
        self._sender.flush()
        self._give_up_all(None)
        if self._transport is not None:
            self._transport.abort()

    def _give_up_all(self, result: Broken | None) -> None:
        """End what is under way, as broken where nothing better is said; what is queued was never sent."""
        self.takes_more = False
        self._liveness.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._sender.drop(stream)
            if result is None:
                stream.end_broken()
            else:
                stream.end(result)
        while self._queue:
            self._queue.popleft().end(None if result is None else NotSent("pool_closed"))
