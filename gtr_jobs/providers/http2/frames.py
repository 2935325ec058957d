"""Frames of HTTP/2 (RFC 9113, section 4 and 6), written and taken apart; no state, no sockets."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

# Connection preface of a client (RFC 9113, 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

HEADER_SIZE = 9
# Length (8 and 16 bits), type, flags, stream.
HEADER = Struct(">BHBBL")
# The most that a peer may send in a frame, as long as we do not allow more.
LARGEST_FRAME = 16_384
# The most that anybody may allow.
_LARGEST_OF_ALL = 2**24 - 1
LARGEST_WINDOW = 2**31 - 1
LARGEST_STREAM = 2**31 - 1

DATA = 0x0
HEADERS = 0x1
RST_STREAM = 0x3
SETTINGS = 0x4
PUSH_PROMISE = 0x5
PING = 0x6
GOAWAY = 0x7
WINDOW_UPDATE = 0x8
CONTINUATION = 0x9

_OF_CONNECTION = frozenset({SETTINGS, PING, GOAWAY})
PING_SIZE = 8

ACK = 0x1
END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20

_SETTING = Struct(">HL")
_WORD = Struct(">L")
_TWO_WORDS = Struct(">LL")
_STREAM_MASK = 0x7FFF_FFFF


class Setting(IntEnum):
    """What one side tells the other of itself (RFC 9113, 6.5.2)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


class Code(IntEnum):
    """Why a stream or a connection ends (RFC 9113, 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    FLOW_CONTROL_ERROR = 0x3
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    ENHANCE_YOUR_CALM = 0xB


class ProtocolError(Exception):
    """The peer has broken the protocol; the connection is of no more use.

    Args:
        code: What it is told.
    """

    def __init__(self, code: Code) -> None:
        super().__init__(code.name)
        self.code = code


def write_frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Write one frame."""
    length = len(payload)
    return HEADER.pack(length >> 16, length & 0xFFFF, kind, flags, stream) + payload


def write_settings(settings: dict[Setting, int]) -> bytes:
    """Tell the peer of ourselves."""
    told = b"".join(_SETTING.pack(setting, value) for setting, value in settings.items())
    return write_frame(SETTINGS, 0, 0, told)


def write_window_update(stream: int, credit: int) -> bytes:
    """Allow the peer so many more bytes, on a stream or (0) on the connection."""
    return write_frame(WINDOW_UPDATE, 0, stream, _WORD.pack(credit))


def write_reset(stream: int, code: Code) -> bytes:
    """End a stream."""
    return write_frame(RST_STREAM, 0, stream, _WORD.pack(code))


def write_goaway(code: Code) -> bytes:
    """Say goodbye; a server has opened no streams that could have been processed."""
    return write_frame(GOAWAY, 0, 0, _TWO_WORDS.pack(0, code))


def read_word(payload: bytes) -> int:
    """Read the number that a RST_STREAM or WINDOW_UPDATE consists of.

    Raises:
        ProtocolError: It has another size.
    """
    if len(payload) != _WORD.size:
        raise ProtocolError(Code.FRAME_SIZE_ERROR)
    return int(_WORD.unpack(payload)[0])


def read_goaway(payload: bytes) -> int:
    """Read the last stream that a peer which says goodbye may have processed.

    Raises:
        ProtocolError: It is too short.
    """
    if len(payload) < _TWO_WORDS.size:
        raise ProtocolError(Code.FRAME_SIZE_ERROR)
    return int(_TWO_WORDS.unpack_from(payload)[0]) & _STREAM_MASK


def read_settings(payload: bytes) -> dict[int, int]:
    """Read what a peer tells of itself; the last of two values for one setting counts.

    Raises:
        ProtocolError: It cannot be, or has another size.
    """
    if len(payload) % _SETTING.size:
        raise ProtocolError(Code.FRAME_SIZE_ERROR)
    settings = dict(_SETTING.iter_unpack(payload))
    if settings.get(Setting.INITIAL_WINDOW_SIZE, 0) > LARGEST_WINDOW:
        raise ProtocolError(Code.FLOW_CONTROL_ERROR)
    largest = settings.get(Setting.MAX_FRAME_SIZE, LARGEST_FRAME)
    if not LARGEST_FRAME <= largest <= _LARGEST_OF_ALL or settings.get(Setting.ENABLE_PUSH):
        raise ProtocolError(Code.PROTOCOL_ERROR)
    return settings


def check_control(kind: int, flags: int, number: int, payload: bytes) -> None:
    """See that a frame about the connection is about the connection, and has the size of its kind.

    Raises:
        ProtocolError: It is about a stream, or too long to be taken or echoed.
    """
    if kind not in _OF_CONNECTION:
        return
    if number != 0:
        raise ProtocolError(Code.PROTOCOL_ERROR)
    if (kind == PING and len(payload) != PING_SIZE) or (
        kind == SETTINGS and flags & ACK and payload
    ):
        raise ProtocolError(Code.FRAME_SIZE_ERROR)


def strip_padding(payload: bytes, flags: int) -> bytes:
    """Take the padding from a DATA or HEADERS frame, and the priority of the latter.

    Raises:
        ProtocolError: There is more padding than frame.
    """
    start, padding = 0, 0
    if flags & PADDED:
        if not payload:
            raise ProtocolError(Code.FRAME_SIZE_ERROR)
        start, padding = 1, payload[0]
    if flags & PRIORITY:
        start += 5
    end = len(payload) - padding
    if end < start:
        raise ProtocolError(Code.PROTOCOL_ERROR)
    return payload[start:end]
