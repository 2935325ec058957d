"""How connections and requests end over HTTP/2: goodbyes, cancelling, closing, numbers that run out."""

from __future__ import annotations

import asyncio
from struct import pack

import pytest
from support.raw_http2 import RawServer, head, open_client

from gtr_jobs.providers.exchange import Answered, Broken, NotSent
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code

_GOODBYE = frames.write_goaway(Code.NO_ERROR)


def _goodbye(last: int, code: Code = Code.NO_ERROR) -> bytes:
    return frames.write_frame(frames.GOAWAY, 0, 0, pack(">LL", last, code) + b"why, in words")


async def test_a_goodbye_may_come_twice(raw_server: RawServer) -> None:
    """First that there will be one, then what it is about; both leave what is below alone."""
    async with open_client(raw_server) as client:
        early = [client.post(path=f"/{n}") for n in range(3)]
        first = await raw_server.accept()
        await first.body(1, 2)
        await first.until(frames.DATA)
        await first.until(frames.DATA)
        first.send(_goodbye(frames.LARGEST_STREAM))
        assert await first.round_trip() == []
        late = client.post()
        second = await raw_server.accept()
        await second.until(frames.DATA)
        first.send(_goodbye(3))
        assert await early[2] == NotSent("goaway")
        first.answer(1)
        assert await early[0] == Answered(200, {}, b"1")
        first.answer(3)
        assert await early[1] == Answered(200, {}, b"3")
        second.answer(1)
        assert await late == Answered(200, {}, b"1")
        # And then it says goodbye itself.
        assert await first.rest() == [(frames.GOAWAY, 0, 0, _GOODBYE[frames.HEADER_SIZE :])]


async def test_whoever_has_begun_to_answer_has_processed(raw_server: RawServer) -> None:
    """A goodbye that says otherwise is not believed."""
    async with open_client(raw_server) as client:
        begun, other = client.post(), client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        await peer.until(frames.DATA)
        peer.send(head(1), _goodbye(0, Code.ENHANCE_YOUR_CALM))
        assert await begun == Broken("answer_broken")
        assert await other == NotSent("goaway")


async def test_a_server_that_hangs_up_without_a_word_leaves_doubt(raw_server: RawServer) -> None:
    """What is under way may have been processed; what comes after goes elsewhere at once."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        # With close_notify and nothing else.
        peer.writer.close()
        assert await request == Broken("connection_lost")
        again = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        peer.answer(1)
        assert await again == Answered(200, {}, b"1")


async def test_numbers_of_streams_run_out(raw_server: RawServer) -> None:
    """The last one is used, and the next request has a connection of its own."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        peer.answer(1)
        await request
        assert client.line._session is not None
        client.line._session._requests._next_number = frames.LARGEST_STREAM
        last, next_one = client.post(), client.post()
        assert (await peer.until(frames.DATA)).stream == frames.LARGEST_STREAM
        other = await raw_server.accept()
        await other.until(frames.DATA)
        other.answer(1)
        assert await next_one == Answered(200, {}, b"1")
        peer.send(head(frames.LARGEST_STREAM, 204, ends=True))
        assert await last == Answered(204, {}, b"")
        assert [frame.kind for frame in await peer.rest()] == [frames.GOAWAY]


async def test_cancelling_tells_the_server(raw_server: RawServer) -> None:
    """A body that has not gone out stays here, and its room is the next one's."""
    async with open_client(raw_server) as client:
        request, behind = client.post(b"x" * 100_000), client.post(b"{}")
        peer = await raw_server.accept()
        await peer.body(1, 65_535)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        reset = await peer.until(frames.RST_STREAM)
        assert reset == (frames.RST_STREAM, 0, 1, pack(">L", Code.CANCEL))
        peer.send(frames.write_window_update(0, 100_000))
        assert await peer.until(frames.DATA) == (frames.DATA, frames.END_STREAM, 3, b"{}")
        # What comes for it after all is nobody's.
        peer.answer(1, 3)
        assert await behind == Answered(200, {}, b"3")


async def test_a_deadline_tells_the_server(raw_server: RawServer) -> None:
    """It need not go on, and the connection is as good as before."""
    async with open_client(raw_server, deadline=0.3, connect_timeout=0.2) as client:
        started = asyncio.get_running_loop().time()
        request = client.post()
        peer = await raw_server.accept()
        assert await request == Broken("deadline")
        assert 0.25 < asyncio.get_running_loop().time() - started < 0.6
        reset = await peer.until(frames.RST_STREAM)
        assert reset == (frames.RST_STREAM, 0, 1, pack(">L", Code.CANCEL))
        again = client.post()
        await peer.until(frames.DATA)
        peer.answer(3)
        assert await again == Answered(200, {}, b"3")


async def test_closing_says_goodbye(raw_server: RawServer) -> None:
    """And is not held up by a server that goes on."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        assert await peer.round_trip() == []
        await client.line.close()
        assert await request == Broken("pool_closed")
        assert await client.post() == NotSent("pool_closed")
        assert await peer.rest() == [(frames.GOAWAY, 0, 0, _GOODBYE[frames.HEADER_SIZE :])]


async def test_closing_while_connecting_has_sent_nothing(raw_server: RawServer) -> None:
    """Whoever waits for a connection is told, and the socket is closed."""
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        arrived.set_result(await reader.read())
        writer.close()

    silent = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with open_client(raw_server) as client:
        posts = [
            asyncio.create_task(client.line.ask(f"https://localhost:{port}/", b"", ()))
            for _ in range(2)
        ]
        await asked.wait()
        await client.line.close()
        assert await asyncio.gather(*posts) == [NotSent("pool_closed")] * 2
        await arrived
    silent.close()
    await silent.wait_closed()


async def test_a_line_leads_to_one_server_at_a_time(raw_server: RawServer) -> None:
    """A request for another one, made while the first is connected to, goes to the other."""
    other_name = raw_server.url.replace("localhost", "LOCALHOST")
    async with open_client(raw_server) as client:
        first = client.post()
        other = asyncio.create_task(client.line.ask(f"{other_name}/other", b"", ()))
        peer = await raw_server.accept()
        assert (await peer.until(frames.DATA)).payload == b"{}"
        peer.answer(1)
        assert await first == Answered(200, {}, b"1")
        peer = await raw_server.accept()
        block = (await peer.until(frames.HEADERS)).payload
        assert b"LOCALHOST" in block
        assert b"/other" in block
        peer.answer(1)
        assert await other == Answered(200, {}, b"1")


@pytest.mark.parametrize("url", ["https://", "https://localhost?x=/", "https://a@localhost/", "x"])
async def test_what_no_request_can_be_made_of_is_not_sent(raw_server: RawServer, url: str) -> None:
    """Nobody is connected to."""
    async with open_client(raw_server) as client:
        assert await client.line.ask(url, b"", ()) == NotSent("request_invalid")
        assert await client.line.ask("https://a..b/", b"", ()) == NotSent("dns_failed")
    assert raw_server.peers == []
