"""What a server allows is kept: windows, streams at a time, its table of headers."""

from __future__ import annotations

import asyncio

import pytest
from hpack import Decoder
from support.raw_http2 import RawServer, open_client, settings

from gtr_jobs.providers.exchange import Answered, NotSent
from gtr_jobs.providers.http2 import frames


async def test_a_window_that_grows_and_shrinks_moves_bodies_under_way(
    raw_server: RawServer,
) -> None:
    """The change counts for streams that are open, below nothing as well (RFC 9113, 6.9.2)."""
    body = bytes(range(250)) * 2
    async with open_client(raw_server) as client:
        first = client.post(b"")
        peer = await raw_server.accept(settings(INITIAL_WINDOW_SIZE=100))
        assert (await peer.until(frames.HEADERS)).stream == 1
        peer.answer(1)
        assert await first == Answered(200, {}, b"1")
        request = client.post(body)
        assert await peer.until(frames.DATA) == (frames.DATA, 0, 3, body[:100])
        peer.send(settings(INITIAL_WINDOW_SIZE=150))
        assert await peer.until(frames.DATA) == (frames.DATA, 0, 3, body[100:150])
        # It has sent 90 more than that, which the credit makes up for.
        peer.send(settings(INITIAL_WINDOW_SIZE=60), frames.write_window_update(3, 90))
        assert await peer.round_trip() == []
        peer.send(frames.write_window_update(3, 10))
        assert await peer.until(frames.DATA) == (frames.DATA, 0, 3, body[150:160])
        peer.send(settings(INITIAL_WINDOW_SIZE=10_000))
        assert await peer.until(frames.DATA) == (frames.DATA, frames.END_STREAM, 3, body[160:])
        peer.answer(3)
        assert await request == Answered(200, {}, b"3")


async def test_the_window_of_the_connection_is_kept_and_the_oldest_goes_first(
    raw_server: RawServer,
) -> None:
    """A byte that is let go is sent, whoever's it is."""
    async with open_client(raw_server) as client:
        requests = [client.post(b"a" * 65_534), client.post(b"b" * 3)]
        peer = await raw_server.accept()
        bodies = await peer.body(1, 65_534)
        assert [len(frame.payload) for frame in bodies] == [16_384] * 3 + [16_382]
        assert await peer.until(frames.DATA) == (frames.DATA, 0, 3, b"b")
        for flags in (0, frames.END_STREAM):
            peer.send(frames.write_window_update(0, 1))
            assert await peer.until(frames.DATA) == (frames.DATA, flags, 3, b"b")
        peer.answer(1, 3)
        assert await asyncio.gather(*requests) == [
            Answered(200, {}, b"1"),
            Answered(200, {}, b"3"),
        ]


async def test_no_streams_at_a_time_means_to_wait(raw_server: RawServer) -> None:
    """Until the server allows some again, one after the other if it likes."""
    async with open_client(raw_server) as client:
        first = client.post()
        peer = await raw_server.accept(settings(MAX_CONCURRENT_STREAMS=0))
        await peer.until(frames.DATA)
        peer.answer(1)
        await first
        waiting = [client.post() for _ in range(3)]
        assert await peer.round_trip() == []
        peer.send(settings(MAX_CONCURRENT_STREAMS=1))
        for stream in (3, 5, 7):
            assert (await peer.until(frames.DATA)).stream == stream
            assert await peer.round_trip() == []
            peer.answer(stream)
        assert [await request for request in waiting] == [
            Answered(200, {}, b"3"),
            Answered(200, {}, b"5"),
            Answered(200, {}, b"7"),
        ]


async def test_whoever_waits_for_a_stream_until_the_deadline_was_not_sent(
    raw_server: RawServer,
) -> None:
    """And is not sent when room comes after all."""
    async with open_client(raw_server, deadline=0.3, connect_timeout=0.2) as client:
        first = client.post()
        peer = await raw_server.accept(settings(MAX_CONCURRENT_STREAMS=0))
        await peer.until(frames.DATA)
        peer.answer(1)
        await first
        waiting = [client.post() for _ in range(3)]
        assert await asyncio.gather(*waiting) == [NotSent("pool_timeout")] * 3
        peer.send(settings(MAX_CONCURRENT_STREAMS=100))
        assert await peer.round_trip() == []


@pytest.mark.parametrize("size", [0, 31, 200, 1024, 4095])
@pytest.mark.parametrize("is_used", [False, True], ids=["new-table", "used-table"])
async def test_a_smaller_table_of_headers_is_obeyed(
    raw_server: RawServer, size: int, is_used: bool
) -> None:
    """A strict decoder reads every request, before the change and after it, and larger again."""
    decoder = Decoder()
    async with open_client(raw_server) as client:

        async def send(stream: int) -> None:
            request = client.post(b"", f"/{stream}")
            peer = raw_server.peers[0]
            block = (await peer.until(frames.HEADERS)).payload
            fields = {str(name): str(value) for name, value in decoder.decode(block)}
            assert fields == {
                ":method": "POST",
                ":scheme": "https",
                ":authority": raw_server.url.removeprefix("https://"),
                ":path": f"/{stream}",
                "x-of-the-line": "1",
                "content-length": "0",
            }
            peer.answer(stream)
            await request

        cancelled = client.post(b"", "/cancelled")
        peer = await raw_server.accept()
        decoder.decode((await peer.until(frames.HEADERS)).payload)
        peer.answer(1)
        await cancelled
        if is_used:
            await send(3)
        for told in (size, 4096):
            peer.send(settings(HEADER_TABLE_SIZE=told))
            await peer.round_trip()
            decoder.max_allowed_table_size = told
            for _ in range(2):
                session = client.line._session
                assert session is not None
                await send(session._requests._next_number)
