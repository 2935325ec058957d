"""What comes in over a connection: bytes, taken apart into whole frames."""

from __future__ import annotations

from collections.abc import Iterator

from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, ProtocolError

# Of one answer, packed; a server that goes on and on is not listened to.
_LARGEST_BLOCK = 32_768
# Frames that it may come in; empty ones would have no end.
_MOST_PARTS = 16

Frame = tuple[int, int, int, bytes]


class Receiver:
    """Takes bytes apart into frames; headers in several frames come out as one."""

    def __init__(self) -> None:
        self._rest = b""
        self._block: Frame | None = None
        self._parts = 0

    def take(self, data: bytes) -> Iterator[Frame]:
        """Give the frames that are whole: kind, flags, stream and payload.

        Raises:
            ProtocolError: What comes is no HTTP/2, or more of it than is allowed.
        """
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        unpack = frames.HEADER.unpack_from
        while end - position >= frames.HEADER_SIZE:
            high, low, kind, flags, number = unpack(data, position)
            length = high << 16 | low
            if length > frames.LARGEST_FRAME:
                raise ProtocolError(Code.FRAME_SIZE_ERROR)
            start = position + frames.HEADER_SIZE
            if end - start < length:
                break
            position = start + length
            frame = (kind, flags, number & frames.LARGEST_STREAM, data[start:position])
            if self._block is not None or (
                (kind in _HEADERS and not flags & frames.END_HEADERS) or kind == frames.CONTINUATION
            ):
                joined = self._join(frame)
                if joined is not None:
                    yield joined
            else:
                yield frame
        self._rest = data[position:]

    def _join(self, frame: Frame) -> Frame | None:
        """Add a frame to headers that come in several; give them when they are whole.

        Raises:
            ProtocolError: Something else came in between, or there is no end to them.
        """
        kind, flags, number, payload = frame
        if self._block is None:
            if kind == frames.CONTINUATION:
                raise ProtocolError(Code.PROTOCOL_ERROR)
            if flags & (frames.PADDED | frames.PRIORITY):
                payload = frames.strip_padding(payload, flags)
                flags &= ~(frames.PADDED | frames.PRIORITY)
            self._block = (kind, flags, number, payload)
            self._parts = 1
            return None
        kept_kind, kept_flags, kept_number, kept = self._block
        if kind != frames.CONTINUATION or number != kept_number:
            raise ProtocolError(Code.PROTOCOL_ERROR)
        kept += payload
        self._parts += 1
        if len(kept) > _LARGEST_BLOCK or self._parts > _MOST_PARTS:
            raise ProtocolError(Code.ENHANCE_YOUR_CALM)
        block = (kept_kind, kept_flags, kept_number, kept)
        if flags & frames.END_HEADERS:
            self._block = None
            return block
        self._block = block
        return None


_HEADERS = (frames.HEADERS, frames.PUSH_PROMISE)
