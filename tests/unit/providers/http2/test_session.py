"""A connection without a network: what it writes, and the moments that a network seldom makes."""

from __future__ import annotations

import asyncio
from struct import pack
from typing import Any

import pytest

from gtr_jobs.providers.exchange import Broken, NotSent
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.frames import Code, write_frame
from gtr_jobs.providers.http2.headers import HeaderWriter
from gtr_jobs.providers.http2.liveness import Liveness
from gtr_jobs.providers.http2.session import _HELLO, Session

_SETTINGS = frames.write_settings({})
_ACK = write_frame(frames.SETTINGS, frames.ACK, 0)
_PING = write_frame(frames.PING, 0, 0, bytes(8))


class _Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = ""

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"


def _session() -> Session:
    return Session(HeaderWriter("push.example", ()), Liveness(60.0, 10.0))


def _connected() -> tuple[Session, _Wire]:
    session, wire = _session(), _Wire()
    session.connection_made(wire)
    return session, wire


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_what_comes_before_the_connection_is_known_is_answered_after_the_hello() -> None:
    """Behind a proxy the server's SETTINGS may come with the end of TLS."""
    session, wire = _session(), _Wire()
    session.data_received(_SETTINGS)
    await asyncio.sleep(0)
    session.connection_made(wire)
    assert wire.written == _HELLO + _ACK
    session.connection_lost(None)


async def test_a_connection_that_ended_before_it_was_known_takes_nothing() -> None:
    """Whoever wanted to use it is given back as never sent, and no timer is left."""
    session, wire = _session(), _Wire()
    session.connection_lost(None)
    session.connection_made(wire)
    assert wire.written == b""
    assert not session.takes_more
    stream = session.request("/", b"", (), _in(60.0))
    assert await stream.future is None
    assert session._requests._sweeping is None


async def test_a_request_from_another_connection_keeps_its_deadline() -> None:
    """It is older than those before it, under way and queued alike."""
    session, wire = _connected()
    session.data_received(frames.write_settings({frames.Setting.MAX_CONCURRENT_STREAMS: 2}))
    young = session.request("/young", b"", (), _in(60.0))
    old = session.request("/old", b"", (), _in(0.02))
    waiting = session.request("/waiting", b"", (), _in(60.0))
    waits_long = session.request("/waits-long", b"", (), _in(0.01))
    async with asyncio.timeout(5.0):
        assert await waits_long.future == NotSent("pool_timeout")
        assert await old.future == Broken("deadline")
    assert not young.future.done()
    assert waiting.number == 5
    assert b"waits-long" not in wire.written
    session.connection_lost(None)
    assert [young.future.result(), waiting.future.result()] == [Broken("connection_lost")] * 2


async def test_room_is_not_given_to_who_has_no_time_left() -> None:
    """What expired while it waited is not sent."""
    session, wire = _connected()
    session.data_received(frames.write_settings({frames.Setting.MAX_CONCURRENT_STREAMS: 1}))
    expires = _in(0.01)
    streams = [session.request(f"/{n}", b"", (), expires) for n in range(3)]
    async with asyncio.timeout(5.0):
        results = [await stream.future for stream in streams]
    assert results == [Broken("deadline"), NotSent("pool_timeout"), NotSent("pool_timeout")]
    await asyncio.sleep(0)
    assert b"/0" in wire.written
    assert b"/1" not in wire.written
    session.connection_lost(None)


async def test_forgetting_what_could_not_be_sent_harms_nobody() -> None:
    """Its number is the next one's."""
    session, _ = _connected()
    invalid = session.request("/ /", b"", (), _in(60.0))
    assert await invalid.future == NotSent("request_invalid")
    successor = session.request("/", b"", (), _in(60.0))
    session.forget(invalid)
    session.data_received(frames.write_reset(1, Code.CANCEL))
    assert await successor.future == Broken("reset")
    session.connection_lost(None)


async def test_a_server_that_hangs_up_gets_nothing_more() -> None:
    """Between its last word and the connection's end as well."""
    session, _ = _connected()
    under_way = session.request("/", b"", (), _in(60.0))
    session.eof_received()
    assert await under_way.future == Broken("connection_lost")
    assert not session.takes_more
    assert await session.request("/", b"", (), _in(60.0)).future is None
    session.connection_lost(None)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(_PING, id="pings"),
        pytest.param(_SETTINGS, id="settings"),
        pytest.param(write_frame(frames.DATA, frames.PADDED, 1, b"\x01\x00"), id="padding"),
    ],
)
async def test_a_thousand_answers_that_are_not_read_are_enough(asked: bytes) -> None:
    """The server is told, and what was under way is in doubt; one that reads again is forgiven."""
    session, wire = _connected()
    stream = session.request("/", b"", (), _in(60.0))
    session.data_received(write_frame(frames.HEADERS, frames.END_HEADERS, 1, b"\x88"))
    for _ in range(3):
        session.pause_writing()
        session.data_received(asked * 1000)
        session.resume_writing()
    assert session.takes_more
    session.pause_writing()
    session.data_received(asked * 1001)
    assert await stream.future == Broken("answer_broken")
    assert wire.written.endswith(
        write_frame(frames.GOAWAY, 0, 0, pack(">LL", 0, Code.ENHANCE_YOUR_CALM))
    )
    assert wire.ended == "closed"
    written = wire.written
    session.data_received(asked)
    await asyncio.sleep(0)
    assert wire.written == written
    session.connection_lost(None)


async def test_a_server_that_does_not_close_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A goodbye without an answer is not waited for."""
    monkeypatch.setattr("gtr_jobs.providers.http2.session._CLOSING_SECONDS", 0.01)
    session, wire = _connected()
    closing = asyncio.create_task(session.close())
    async with asyncio.timeout(5.0):
        while wire.ended != "aborted":
            await asyncio.sleep(0.001)
    session.connection_lost(None)
    await closing
    assert session.is_closed
