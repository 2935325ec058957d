"""A server that asks for ever and reads nothing costs a bounded amount of memory, and is left."""

from __future__ import annotations

import socket

from support.raw_http2 import RawServer, head, open_client

from gtr_jobs.providers.exchange import Answered, Broken
from gtr_jobs.providers.http2 import frames

_PING = frames.write_frame(frames.PING, 0, 0, bytes(8))


async def test_answers_that_are_not_read_do_not_pile_up(raw_server: RawServer) -> None:
    """Once the network takes no more and a thousand are owed, the connection is of no more use."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        assert client.line._session is not None
        transport = client.line._session._transport
        assert transport is not None
        # What the network holds is not ours; little, so that it is soon full.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.send(head(1))
        # StreamReader stops to read when nobody takes what it has.
        while not request.done():
            peer.send(_PING * 5000)
            await peer.writer.drain()
        assert await request == Broken("answer_broken")


async def test_answers_that_are_read_may_be_asked_for_as_often_as_one_likes(
    raw_server: RawServer,
) -> None:
    """A busy server is no broken one."""
    async with open_client(raw_server) as client:
        request = client.post()
        peer = await raw_server.accept()
        await peer.until(frames.DATA)
        for _ in range(3):
            peer.send(_PING * 2000)
            assert len(await peer.round_trip()) == 2000
        peer.answer(1)
        assert await request == Answered(200, {}, b"1")
