"""A server that breaks HTTP/2 is left with the reason, and what was under way is in doubt."""

from __future__ import annotations

from struct import pack

import pytest
from support.raw_http2 import RawServer, data, head, open_client, settings

from gtr_jobs.providers.exchange import Answered, Broken
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code

_BLOCK = b"\x88"  # :status 200


def _headers(stream: int, block: bytes = _BLOCK, flags: int = frames.END_HEADERS) -> bytes:
    return frames.write_frame(frames.HEADERS, flags, stream, block)


def _continuation(stream: int, block: bytes = b"", flags: int = 0) -> bytes:
    return frames.write_frame(frames.CONTINUATION, flags, stream, block)


def _control(kind: int, stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frames.write_frame(kind, flags, stream, payload)


_ACCIDENTS = {
    "headers-on-the-connection": (_headers(0), Code.PROTOCOL_ERROR),
    "headers-on-a-servers-stream": (_headers(2), Code.PROTOCOL_ERROR),
    "headers-on-a-stream-to-come": (_headers(3), Code.PROTOCOL_ERROR),
    "data-on-the-connection": (data(0, b"x"), Code.PROTOCOL_ERROR),
    "data-on-a-stream-to-come": (data(3, b"x"), Code.PROTOCOL_ERROR),
    "reset-of-the-connection": (frames.write_reset(0, Code.CANCEL), Code.PROTOCOL_ERROR),
    "reset-of-a-stream-to-come": (frames.write_reset(3, Code.CANCEL), Code.PROTOCOL_ERROR),
    "reset-of-another-size": (_control(frames.RST_STREAM, 1, b"123"), Code.FRAME_SIZE_ERROR),
    "credit-for-a-stream-to-come": (frames.write_window_update(3, 1), Code.PROTOCOL_ERROR),
    "no-credit": (frames.write_window_update(0, 0), Code.PROTOCOL_ERROR),
    "credit-beyond-all-bounds": (
        frames.write_window_update(0, frames.LARGEST_WINDOW),
        Code.FLOW_CONTROL_ERROR,
    ),
    "credit-of-another-size": (_control(frames.WINDOW_UPDATE, 0, b"12345"), Code.FRAME_SIZE_ERROR),
    "push": (_control(frames.PUSH_PROMISE, 1, pack(">L", 2), 4), Code.PROTOCOL_ERROR),
    "settings-of-a-stream": (_control(frames.SETTINGS, 1, b""), Code.PROTOCOL_ERROR),
    "settings-of-another-size": (_control(frames.SETTINGS, 0, b"12345"), Code.FRAME_SIZE_ERROR),
    "acknowledged-with-more": (_control(frames.SETTINGS, 0, b"123456", 1), Code.FRAME_SIZE_ERROR),
    "settings-push": (settings(ENABLE_PUSH=1), Code.PROTOCOL_ERROR),
    "settings-window": (settings(INITIAL_WINDOW_SIZE=2**31), Code.FLOW_CONTROL_ERROR),
    "settings-small-frames": (settings(MAX_FRAME_SIZE=16_383), Code.PROTOCOL_ERROR),
    "settings-large-frames": (settings(MAX_FRAME_SIZE=2**24), Code.PROTOCOL_ERROR),
    "ping-of-a-stream": (_control(frames.PING, 1, bytes(8)), Code.PROTOCOL_ERROR),
    "ping-of-another-size": (_control(frames.PING, 0, bytes(9)), Code.FRAME_SIZE_ERROR),
    "goodbye-of-a-stream": (_control(frames.GOAWAY, 1, bytes(8)), Code.PROTOCOL_ERROR),
    "goodbye-of-another-size": (_control(frames.GOAWAY, 0, bytes(7)), Code.FRAME_SIZE_ERROR),
    "a-frame-too-large": (data(1, bytes(16_385)), Code.FRAME_SIZE_ERROR),
    "padding-alone": (
        head(1) + _control(frames.DATA, 1, b"\x02x", frames.PADDED),
        Code.PROTOCOL_ERROR,
    ),
    "continuation-of-nothing": (_continuation(1, _BLOCK, 4), Code.PROTOCOL_ERROR),
    "continuation-of-another": (_headers(1, flags=0) + _continuation(3), Code.PROTOCOL_ERROR),
    "something-in-between": (_headers(1, flags=0) + data(1), Code.PROTOCOL_ERROR),
    "continuation-without-end": (
        _headers(1, flags=0) + _continuation(1) * 100,
        Code.ENHANCE_YOUR_CALM,
    ),
    "headers-without-end": (
        _headers(1, flags=0) + _continuation(1, bytes(16_384)) * 3,
        Code.ENHANCE_YOUR_CALM,
    ),
    "no-headers": (_headers(1, b"\xff\xff\xff\xff"), Code.COMPRESSION_ERROR),
    "a-table-that-is-none": (_headers(1, b"\xbe"), Code.COMPRESSION_ERROR),
    "a-larger-table": (_headers(1, b"\x3f\xe1\x1f\x88"), Code.COMPRESSION_ERROR),
    "another-protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n", Code.FRAME_SIZE_ERROR),
}


@pytest.mark.parametrize("name", _ACCIDENTS)
async def test_a_broken_protocol_ends_the_connection_with_the_reason(
    raw_server: RawServer, name: str
) -> None:
    """The server learns why, its answer counts for nothing, and the next request goes elsewhere."""
    told, code = _ACCIDENTS[name]
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        peer.send(told, head(1, ends=True))
        is_begun = name == "padding-alone"
        assert await request == Broken("answer_broken" if is_begun else "connection_lost")
        goodbye = (await peer.rest())[-1]
        assert goodbye == (frames.GOAWAY, 0, 0, pack(">LL", 0, code))
        again = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        peer.answer(1)
        assert await again == Answered(200, {}, b"1")


async def test_frames_of_unknown_kinds_and_settings_are_passed_over(raw_server: RawServer) -> None:
    """What a later HTTP/2 adds is no error (RFC 9113, 4.1 and 6.5.2); nor is a priority."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept(_control(frames.SETTINGS, 0, pack(">HL", 0x9, 7)))
        await peer.until(frames.DATA)
        for kind in (0x2, 0xA, 0xC, 0x10, 0xFF):
            peer.send(_control(kind, 0, b"whatever", 0xFF), _control(kind, 1, b"", 0))
        peer.answer(1)
        assert await request == Answered(200, {}, b"1")
