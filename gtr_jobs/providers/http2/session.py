"""One connection of HTTP/2: requests go out, answers come in, and of each it is known what became of it.

    request ──▶ a stream is free? ──▶ sent ──▶ answered | refused unprocessed | broken
                 └─ none: queued, and given back as never sent when the connection takes no more

Nothing here sends anything twice, and nothing waits longer than its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

from gtr_jobs.providers.exchange import LARGEST_BODY, Broken
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError, Setting
from gtr_jobs.providers.http2.headers import HeaderReader, HeaderWriter
from gtr_jobs.providers.http2.liveness import Liveness
from gtr_jobs.providers.http2.receiver import Receiver
from gtr_jobs.providers.http2.requests import Requests
from gtr_jobs.providers.http2.sender import Sender
from gtr_jobs.providers.http2.stream import REFUSED, Stream

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
        self._loop = asyncio.get_running_loop()
        self._sender = Sender(headers)
        self._requests = Requests(self._sender, self._say_goodbye)
        self._under_way = self._requests.under_way
        self._receiver = Receiver()
        self._reader = HeaderReader()
        self._liveness = liveness
        self._number = number
        self._transport: asyncio.Transport | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        # Set once nothing is listened to any more.
        self._aborting: asyncio.TimerHandle | None = None
        self._received = 0

    @property
    def takes_more(self) -> bool:
        """Whether requests may be sent over it."""
        return self._requests.takes_more

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._closed.done()

    def request(
        self, path: str, body: bytes, fields: Iterable[tuple[str, str]], expires: float
    ) -> Stream:
        """Send a request as soon as there is a stream for it; see `Stream` for what is given and what is told."""
        return self._requests.add(path, body, fields, expires)

    def forget(self, stream: Stream) -> None:
        """Let go of a request whose answer nobody waits for any more; it may still be processed."""
        self._requests.cancel(stream)

    def retire(self) -> None:
        """Take nothing more; what is under way goes on, and the connection closes after it."""
        self._requests.retire()

    async def close(self) -> None:
        """Say goodbye, and wait for the connection's end; what is under way ends as broken."""
        self._requests.end_all(Broken("pool_closed"))
        self._hang_up(Code.NO_ERROR)
        if self._transport is not None:
            await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, as asyncio says; behind a proxy, frames may have come before, and the end as well."""
        if self._closed.done():
            return
        # uvloop's are no subclasses of it, and do all that it says.
        self._transport = cast("asyncio.Transport", transport)
        if self._aborting is not None:
            self._transport.abort()
            return
        self._sender.attach(self._transport, _HELLO)
        self._requests.takes_more = True
        self._liveness.start(self._ask_for_life, self._give_up)

    def pause_writing(self) -> None:
        """Take note that the server does not read, as asyncio says."""
        self._sender.pause()

    def resume_writing(self) -> None:
        """Take note that it reads again, as asyncio says."""
        self._sender.resume()

    def eof_received(self) -> None:
        """Send nothing more to a server that has hung up, as asyncio says; it closes the connection."""
        self._requests.end_all(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End, as asyncio says: what was under way is in doubt."""
        self._requests.end_all(None)
        self._liveness.stop()
        self._sender.detach()
        if self._aborting is not None:
            self._aborting.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what has come, as asyncio says."""
        if self._aborting is not None:
            return
        self._liveness.note()
        try:
            for kind, flags, number, payload in self._receiver.take(data):
                if kind == frames.DATA:
                    self._take_data(number, flags, payload)
                elif kind == frames.HEADERS:
                    self._take_headers(number, flags, payload)
                else:
                    self._take_control(kind, flags, number, payload)
            if self._received >= _WINDOW // 2:
                self._sender.tell(frames.write_window_update(0, self._received))
                self._received = 0
        except ProtocolError as error:
            # Leave a server that has broken the protocol.
            self._requests.end_all(None)
            self._hang_up(error.code)

    def _take_headers(self, number: int, flags: int, payload: bytes) -> None:
        if flags & (frames.PADDED | frames.PRIORITY):
            payload = frames.strip_padding(payload, flags)
        stream = self._under_way.get(number)
        if stream is None:
            self._requests.check(number)
            return
        # What follows the content says nothing that anybody asks for.
        if not stream.is_begun:
            head = self._reader.read(payload)
            if head.status // 100 == 1 and not flags & frames.END_STREAM:
                return
            stream.head = head
        if flags & frames.END_STREAM:
            self._answer(stream)

    def _take_data(self, number: int, flags: int, payload: bytes) -> None:
        length = len(payload)
        self._received += length
        if flags & frames.PADDED:
            payload = frames.strip_padding(payload, flags & ~frames.PRIORITY)
        stream = self._under_way.get(number)
        if stream is None:
            self._requests.check(number)
            return
        if not stream.is_begun:
            # The others are none the worse for it.
            stream.end(Broken("answer_broken"))
            self._requests.cancel(stream, Code.PROTOCOL_ERROR)
            return
        stream.add(payload)
        if len(stream.content) > LARGEST_BODY:
            stream.end(Broken("answer_too_large"))
            self._requests.cancel(stream)
        elif flags & frames.END_STREAM:
            self._answer(stream)
        elif length > len(payload):
            # Padding takes up the stream's window, and is no part of what may be too large.
            self._sender.tell(frames.write_window_update(number, length - len(payload)))

    def _answer(self, stream: Stream) -> None:
        stream.answer(self._number)
        if self._sender.is_unsent(stream):
            # It did not want to know the rest (RFC 9113, 8.1).
            self._requests.cancel(stream)
        else:
            self._requests.finish(stream)

    def _take_control(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        frames.check_control(kind, flags, number, payload)
        match kind:
            case frames.SETTINGS if not flags & frames.ACK:
                self._take_settings(frames.read_settings(payload))
            case frames.PING if not flags & frames.ACK:
                self._sender.tell(frames.write_frame(frames.PING, frames.ACK, 0, payload))
            case frames.WINDOW_UPDATE:
                if number and number not in self._under_way:
                    self._requests.check(number)
                self._sender.credit(number, frames.read_word(payload) & frames.LARGEST_WINDOW)
            case frames.RST_STREAM:
                self._take_reset(number, frames.read_word(payload))
            case frames.GOAWAY:
                # What is beyond the last stream was not processed; the others go on.
                self._requests.end_beyond(frames.read_goaway(payload))
                self.retire()
            case frames.PUSH_PROMISE:
                raise ProtocolError(Code.PROTOCOL_ERROR)
            case _:
                # Acknowledgements, and kinds that are not known (RFC 9113, 4.1).
                pass

    def _take_settings(self, settings: dict[int, int]) -> None:
        self._sender.apply(settings)
        self._sender.tell(frames.write_frame(frames.SETTINGS, frames.ACK, 0))
        if Setting.MAX_CONCURRENT_STREAMS in settings:
            self._requests.allow(settings[Setting.MAX_CONCURRENT_STREAMS])

    def _take_reset(self, number: int, code: int) -> None:
        stream = self._under_way.get(number)
        if stream is None:
            self._requests.check(number)
            return
        self._sender.drop(stream)
        if code == Code.REFUSED_STREAM and not stream.is_begun:
            stream.end(REFUSED)
        else:
            stream.end(Broken("reset"))
        self._requests.finish(stream)

    def _ask_for_life(self) -> None:
        self._sender.write(frames.write_frame(frames.PING, 0, 0, bytes(frames.PING_SIZE)))

    def _give_up(self) -> None:
        """Leave a server that gives no sign of life."""
        self._requests.end_all(None)
        if self._transport is not None:
            self._transport.abort()

    def _say_goodbye(self) -> None:
        self._hang_up(Code.NO_ERROR)

    def _hang_up(self, code: Code) -> None:
        """Close the connection, with the reason; who does not answer the goodbye is not waited for."""
        if self._aborting is not None or self._closed.done():
            return
        self._liveness.stop()
        self._aborting = self._loop.call_later(_CLOSING_SECONDS, self._abort)
        if self._transport is not None:
            self._sender.write(frames.write_goaway(code))
            self._sender.flush()
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
