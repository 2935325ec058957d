"""Answers as odd servers write them over HTTP/2, and what each is taken for."""

from __future__ import annotations

import asyncio

import pytest
from support.raw_http2 import Peer, RawServer, data, head, open_client, settings

from gtr_jobs.providers.exchange import LARGEST_BODY, Answered, Broken, NotSent, Result
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code


def _padded(stream: int, content: bytes, padding: int, flags: int = 0) -> bytes:
    payload = bytes((padding,)) + content + bytes(padding)
    return frames.write_frame(frames.DATA, flags | frames.PADDED, stream, payload)


def _prioritised(stream: int) -> bytes:
    flags = frames.END_HEADERS | frames.PADDED | frames.PRIORITY
    return frames.write_frame(frames.HEADERS, flags, stream, b"\x02" + bytes(5) + b"\x88" + b"..")


def _in_parts(stream: int) -> bytes:
    return (
        frames.write_frame(frames.HEADERS, 0, stream, b"")
        + frames.write_frame(frames.CONTINUATION, 0, stream, b"\x88\x00\x01")
        + frames.write_frame(frames.CONTINUATION, frames.END_HEADERS, stream, b"a\x01b")
    )


_TRAILERS = head(1, 500, [("grpc-status", "13")], ends=True)
_ONE_BYTE_EACH = b"".join(data(1, b"%d" % (n % 10), ends=False) for n in range(3000))
_LENGTH_9 = [("content-length", "9")]

_ANSWERS: dict[str, tuple[bytes, Result]] = {
    "head-alone": (head(1, 204, ends=True), Answered(204, {}, b"")),
    "informed-before": (
        head(1, 103, [("link", "x")]) + head(1, 100) + head(1) + data(1, b"x"),
        Answered(200, {}, b"x"),
    ),
    "informed-only": (head(1, 100, ends=True), Broken("answer_broken")),
    "trailers": (head(1) + data(1, b"x", ends=False) + _TRAILERS, Answered(200, {}, b"x")),
    "trailers-alone": (head(1) + _TRAILERS, Answered(200, {}, b"")),
    "padded": (
        head(1) + _padded(1, b"ab", 255) + _padded(1, b"", 0) + _padded(1, b"c", 7, 1),
        Answered(200, {}, b"abc"),
    ),
    "priority-and-padding": (_prioritised(1) + data(1, b"x"), Answered(200, {}, b"x")),
    "in-parts": (_in_parts(1) + data(1, b"x"), Answered(200, {"a": "b"}, b"x")),
    "a-byte-each": (head(1) + _ONE_BYTE_EACH + data(1), Answered(200, {}, b"0123456789" * 300)),
    "the-same-name-twice": (
        head(1, 200, [("a", "1"), ("a", "2")], ends=True),
        Answered(200, {"a": "1"}, b""),
    ),
    "content-twice-ended": (head(1) + data(1, b"x") + data(1, b"y"), Answered(200, {}, b"x")),
    "less-than-announced": (
        head(1, 200, _LENGTH_9) + data(1, b"12345678"),
        Broken("answer_broken"),
    ),
    "more-than-announced": (head(1, 200, _LENGTH_9) + data(1, b"0" * 10), Broken("answer_broken")),
    "nothing-of-it": (head(1, 200, _LENGTH_9, ends=True), Broken("answer_broken")),
    "a-length-that-is-none": (
        head(1, 200, [("content-length", "x")]) + data(1, b"x"),
        Broken("answer_broken"),
    ),
    "a-status-that-is-none": (head(1, 99) + data(1, b"x"), Broken("answer_broken")),
    "no-status": (
        frames.write_frame(frames.HEADERS, frames.END_HEADERS, 1, b"\x00\x01a\x01b") + data(1),
        Broken("answer_broken"),
    ),
    "content-before-the-head": (data(1, b"x") + head(1, ends=True), Broken("answer_broken")),
    "refused": (frames.write_reset(1, Code.REFUSED_STREAM), NotSent("refused_stream")),
    "reset": (frames.write_reset(1, Code.NO_ERROR), Broken("reset")),
    "refused-after-the-head": (
        head(1) + frames.write_reset(1, Code.REFUSED_STREAM),
        Broken("reset"),
    ),
    "ended-and-reset": (
        head(1) + data(1, b"x") + frames.write_reset(1, Code.NO_ERROR),
        Answered(200, {}, b"x"),
    ),
}


async def _asked(peer: Peer, *streams: int) -> None:
    """Wait until requests have come whole."""
    for stream in streams:
        assert (await peer.until(frames.DATA)).stream == stream


@pytest.mark.parametrize("name", _ANSWERS)
async def test_an_answer_is_what_it_is_and_its_neighbour_is_none_the_worse(
    raw_server: RawServer, name: str
) -> None:
    """Another request on the same connection is answered, whatever became of this one."""
    told, expected = _ANSWERS[name]
    async with open_client(raw_server) as client:
        request, neighbour = client.post(), client.post()
        peer = await raw_server.accept()
        await _asked(peer, 1, 3)
        peer.send(told)
        peer.answer(3)
        assert await request == expected
        assert await neighbour == Answered(200, {}, b"3")
        assert len(raw_server.peers) == 1


async def test_an_answer_may_come_in_pieces_of_a_byte(raw_server: RawServer) -> None:
    """Wherever a frame, a header or a number is cut."""
    told = (
        settings(MAX_CONCURRENT_STREAMS=7)
        + _in_parts(1)
        + _padded(1, b"a", 3)
        + frames.write_frame(frames.PING, 0, 0, b"12345678")
        + data(1, b"b", ends=False)
        + _TRAILERS
    )
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await _asked(peer, 1)
        for position in range(len(told)):
            # A record of TLS each.
            peer.send(told[position : position + 1])
            await asyncio.sleep(0)
        assert await request == Answered(200, {"a": "b"}, b"ab")
        assert await peer.until(frames.PING) == (frames.PING, frames.ACK, 0, b"12345678")


async def test_an_answer_of_the_largest_size_may_be_padded(raw_server: RawServer) -> None:
    """What padding takes of the window is given back, on the stream and on the connection."""
    piece = b"x" * 8_192
    async with open_client(raw_server) as client:
        requests = [client.post() for _ in range(3)]
        peer = await raw_server.accept()
        await _asked(peer, 1, 3, 5)
        for stream in (1, 3, 5):
            peer.send(head(stream))
            for _ in range(LARGEST_BODY // len(piece)):
                peer.send(_padded(stream, piece, 255))
            peer.send(data(stream))
        answered = Answered(200, {}, b"x" * LARGEST_BODY)
        assert await asyncio.gather(*requests) == [answered] * 3
        credited = [f for f in await peer.round_trip() if f.kind == frames.WINDOW_UPDATE]
        of_streams = [frame for frame in credited if frame.stream]
        assert {frame.payload for frame in of_streams} == {(256).to_bytes(4)}
        of_connection = sum(int.from_bytes(f.payload) for f in credited if not f.stream)
        assert of_connection >= 2 * LARGEST_BODY


async def test_a_server_that_answers_early_gets_no_more_of_the_body(raw_server: RawServer) -> None:
    """The rest is not sent, the server is told, and its room is the next one's."""
    async with open_client(raw_server) as client:
        request = client.post(b"x" * 100_000)
        peer = await raw_server.accept()
        await peer.body(1, 65_535)
        peer.answer(1)
        assert await request == Answered(200, {}, b"1")
        assert await peer.until(frames.RST_STREAM) == (
            frames.RST_STREAM,
            0,
            1,
            int(Code.CANCEL).to_bytes(4),
        )
        peer.send(frames.write_window_update(0, 100_000), frames.write_window_update(1, 100_000))
        assert await peer.round_trip() == []


@pytest.mark.parametrize("code", [Code.REFUSED_STREAM, Code.CANCEL])
async def test_a_reset_stream_gets_no_more_of_its_body(raw_server: RawServer, code: Code) -> None:
    """Neither does it keep the bodies behind it from going out."""
    async with open_client(raw_server) as client:
        request, behind = client.post(b"x" * 100_000), client.post(b"y" * 10)
        peer = await raw_server.accept()
        await peer.body(1, 65_535)
        peer.send(frames.write_reset(1, code), frames.write_window_update(0, 100_000))
        refused = code == Code.REFUSED_STREAM
        assert await request == (NotSent("refused_stream") if refused else Broken("reset"))
        assert await peer.until(frames.DATA) == (frames.DATA, frames.END_STREAM, 3, b"y" * 10)
        peer.answer(3)
        assert await behind == Answered(200, {}, b"3")
