"""What goes out over a connection: headers, bodies within the server's windows, all in few writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError, Setting
from gtr_jobs.providers.http2.headers import HeaderWriter
from gtr_jobs.providers.http2.stream import Stream

_DEFAULT_WINDOW = 65_535
# Frames about connection and streams, owed to a server that does not read; more is an attack.
_MOST_OWED = 1000


class Sender:
    """Writes requests, never more than the server takes.

    Args:
        headers: Writes their headers.
    """

    def __init__(self, headers: HeaderWriter) -> None:
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._window = _DEFAULT_WINDOW
        self._stream_window = _DEFAULT_WINDOW
        self._largest_frame = frames.LARGEST_FRAME
        # Streams whose bodies have not gone out whole.
        self._unsent: dict[int, Stream] = {}
        self._out: list[bytes] = []
        self._is_over = False
        self._owed = 0
        self._is_paused = False

    def attach(self, transport: asyncio.Transport, hello: bytes) -> None:
        """Write to a transport from now on, the hello before all that was written already."""
        self._transport = transport
        self._out.insert(0, hello)
        self.flush()

    def detach(self) -> None:
        """Write no more."""
        self._transport = None
        self._is_over = True
        self._out.clear()
        self._unsent.clear()

    def pause(self) -> None:
        """Take note that the server does not read as fast as it is written to."""
        self._is_paused = True

    def resume(self) -> None:
        """Take note that it has caught up."""
        self._is_paused = False
        self._owed = 0

    def tell(self, frame: bytes) -> None:
        """Write a frame about the connection or a stream, in answer to what the server does.

        Raises:
            ProtocolError: The server asks for ever more of them, and reads none.
        """
        if self._is_paused:
            self._owed += 1
            if self._owed > _MOST_OWED:
                raise ProtocolError(Code.ENHANCE_YOUR_CALM)
        self.write(frame)

    def write(self, frame: bytes) -> None:
        """Write a frame, in one go with all that is written in this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(frame)

    def flush(self) -> None:
        """Hand to the network what has been written."""
        if self._transport is None and not self._is_over:
            # TLS is agreed on, and whoever connects does not know it yet.
            return
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def send(self, stream: Stream) -> None:
        """Write a request, the body as far as the server takes it.

        Raises:
            ValueError: It has headers that are none; nothing was written.
        """
        length = len(stream.body)
        block = self._headers.write(stream.path, length, stream.fields)
        self._write_headers(stream.number, block, is_last=not length)
        if not length:
            return
        stream.window = self._stream_window
        room = min(self._window, stream.window, self._largest_frame)
        if length <= room and not self._unsent:
            self._window -= length
            stream.written = length
            self.write(
                frames.write_frame(frames.DATA, frames.END_STREAM, stream.number, stream.body)
            )
        else:
            self._unsent[stream.number] = stream
            self._write_bodies()

    def apply(self, settings: Mapping[int, int]) -> None:
        """Obey what the server says of itself.

        Raises:
            ProtocolError: A window becomes larger than one can be.
        """
        if Setting.HEADER_TABLE_SIZE in settings:
            self._headers.limit_table(settings[Setting.HEADER_TABLE_SIZE])
        self._largest_frame = min(
            settings.get(Setting.MAX_FRAME_SIZE, self._largest_frame), frames.LARGEST_FRAME
        )
        window = settings.get(Setting.INITIAL_WINDOW_SIZE, self._stream_window)
        for stream in self._unsent.values():
            stream.window = _add(stream.window, window - self._stream_window)
        self._stream_window = window
        self._write_bodies()

    def credit(self, number: int, bytes_more: int) -> None:
        """Take note that the server takes more, on one stream or (0) on all together.

        Raises:
            ProtocolError: Nothing more, or more than there can be.
        """
        if number == 0:
            if bytes_more == 0:
                raise ProtocolError(Code.PROTOCOL_ERROR)
            self._window = _add(self._window, bytes_more)
        elif (stream := self._unsent.get(number)) is not None:
            if bytes_more == 0:
                raise ProtocolError(Code.PROTOCOL_ERROR)
            stream.window = _add(stream.window, bytes_more)
        if self._unsent:
            self._write_bodies()

    def reset(self, stream: Stream, code: Code) -> None:
        """Tell the server that a stream is over, and write nothing more of it."""
        self._unsent.pop(stream.number, None)
        self.write(frames.write_reset(stream.number, code))

    def is_unsent(self, stream: Stream) -> bool:
        """Whether a part of its body has not gone out."""
        return stream.number in self._unsent

    def drop(self, stream: Stream) -> None:
        """Write nothing more of a stream that the server has ended."""
        self._unsent.pop(stream.number, None)

    def _write_headers(self, number: int, block: bytes, *, is_last: bool) -> None:
        kind, flags = frames.HEADERS, frames.END_STREAM if is_last else 0
        while len(block) > self._largest_frame:
            part, block = block[: self._largest_frame], block[self._largest_frame :]
            self.write(frames.write_frame(kind, flags, number, part))
            kind, flags = frames.CONTINUATION, 0
        self.write(frames.write_frame(kind, flags | frames.END_HEADERS, number, block))

    def _write_bodies(self) -> None:
        """Write as much of the bodies that wait as the windows allow, the oldest first."""
        for stream in list(self._unsent.values()):
            if self._window <= 0:
                return
            self._write_body(stream)
            if stream.written == len(stream.body):
                del self._unsent[stream.number]

    def _write_body(self, stream: Stream) -> None:
        length = len(stream.body)
        while stream.written < length:
            room = min(self._window, stream.window, self._largest_frame)
            if room <= 0:
                return
            part = stream.body[stream.written : stream.written + room]
            stream.written += len(part)
            stream.window -= len(part)
            self._window -= len(part)
            flags = frames.END_STREAM if stream.written == length else 0
            self.write(frames.write_frame(frames.DATA, flags, stream.number, part))


def _add(window: int, more: int) -> int:
    window += more
    if window > frames.LARGEST_WINDOW:
        raise ProtocolError(Code.FLOW_CONTROL_ERROR)
    return window
