"""The stand-ins' server speaks HTTP/1.1 too, by ALPN or without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pyreqwest.client import ClientBuilder

from gtr_jobs.dev.standins.exchange import (
    Answer,
    Delay,
    Disconnect,
    GoAway,
    Request,
    Reset,
    Respond,
    Stall,
)
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.dev.standins.tls import ThrowawayAuthority


@pytest.fixture
def authority(tmp_path: Path) -> ThrowawayAuthority:
    """A certificate authority of this test."""
    return ThrowawayAuthority(tmp_path)


def echo(request: Request) -> Answer:
    """Answer with what was sent; late where the path says so."""
    answer = Respond(200, request.body, {"x-line": f"{request.method} {request.path}"})
    return Delay(0.02, answer) if request.path == "/late" else answer


@asynccontextmanager
async def wire(
    port: int, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a bare connection."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one answer: its status line and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head.partition(b"\r\n")[0].rstrip(), await reader.readexactly(length)


async def test_alpn_chooses_the_language(authority: ThrowawayAuthority) -> None:
    """One port serves HTTP/2 to those who offer it and HTTP/1.1 to those who do not."""
    versions = []
    async with StandInServer(echo, authority.server_context()) as server:
        for speaks_http2 in (True, False):
            certificate = authority.ca_file.read_bytes()
            builder = ClientBuilder().add_root_certificate_pem(certificate).http2(speaks_http2)
            async with builder.build() as client:
                response = await client.get(f"https://localhost:{server.port}/").build().send()
                versions.append((response.status, response.version))

    assert versions == [(200, "HTTP/2.0"), (200, "HTTP/1.1")]


async def test_a_client_without_alpn_is_understood(authority: ThrowawayAuthority) -> None:
    """Where TLS does not tell the language, the first bytes do."""
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    async with (
        StandInServer(echo, authority.server_context()) as server,
        wire(server.port, context) as (reader, writer),
    ):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
        assert await read_answer(reader) == (b"HTTP/1.1 200", b"hi")


async def test_a_connection_is_kept_for_further_requests(authority: ThrowawayAuthority) -> None:
    """Requests one after the other share a connection, with bodies of any size."""
    certificate = authority.ca_file.read_bytes()
    bodies = [b"", b"x", b"y" * 1_000_000, b"z"]
    async with (
        StandInServer(echo, authority.server_context()) as server,
        ClientBuilder().add_root_certificate_pem(certificate).http2(False).build() as client,
    ):
        url = f"https://localhost:{server.port}/"
        answers = []
        for body in bodies:
            response = await client.post(url).body_bytes(body).build().send()
            answers.append(bytes(await response.bytes()))

        assert answers == bodies
        assert server.connections == 1


async def test_plain_http_works_without_a_certificate() -> None:
    """A server without TLS serves HTTP/1.1 in the clear, and HTTP/2 to those who begin with it."""
    async with StandInServer(echo) as server:
        versions = []
        for builder in (ClientBuilder(), ClientBuilder().http2_prior_knowledge()):
            async with builder.build() as client:
                response = await client.get(f"http://localhost:{server.port}/").build().send()
                versions.append((response.status, response.version))

    assert versions == [(200, "HTTP/1.1"), (200, "HTTP/2.0")]


async def test_pipelined_requests_are_answered_in_order() -> None:
    """Requests that are sent without waiting get their answers one after the other."""
    async with StandInServer(echo) as server, wire(server.port) as (reader, writer):
        writer.write(
            b"POST /late HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n1"
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n2"
        )
        answers = [await read_answer(reader) for _ in range(2)]

    assert answers == [(b"HTTP/1.1 200", b"1"), (b"HTTP/1.1 200", b"2")]


async def test_a_client_that_does_not_read_is_not_read() -> None:
    """Requests wait while their answers would pile up, and are all answered in the end."""
    asked = 0

    def answer(_: Request) -> Answer:
        nonlocal asked
        asked += 1
        return Respond(200, b"x" * 100_000)

    async with StandInServer(answer) as server, wire(server.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 400)
        first = await read_answer(reader)
        asked_before_reading = asked
        rest = [await read_answer(reader) for _ in range(399)]

    assert asked_before_reading < 400
    assert asked == 400
    assert {(status, len(body)) for status, body in (first, *rest)} == {(b"HTTP/1.1 200", 100_000)}


async def test_chunked_bodies_and_polite_clients_are_understood() -> None:
    """A body in chunks arrives whole, and `expect: 100-continue` is answered first."""
    async with StandInServer(echo) as server, wire(server.port) as (reader, writer):
        writer.write(
            b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        assert await read_answer(reader) == (b"HTTP/1.1 100", b"")
        writer.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert await read_answer(reader) == (b"HTTP/1.1 200", b"abcde")


async def test_a_client_that_asks_to_close_is_obeyed() -> None:
    """`connection: close` ends the connection after the answer."""
    async with StandInServer(echo) as server, wire(server.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert await read_answer(reader) == (b"HTTP/1.1 200", b"")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"this is no request\r\n\r\n", b"HTTP/1.1 400"),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000,
            b"HTTP/1.1 413",
        ),
    ],
)
async def test_what_is_no_request_is_refused(sent: bytes, status: bytes) -> None:
    """Garbage gets 400 and a body over the limit 413; both end the connection."""
    async with (
        StandInServer(echo, body_limit=1000) as server,
        wire(server.port) as (reader, writer),
    ):
        writer.write(sent)
        assert await read_answer(reader) == (status, b"")
        assert await reader.read() == b""


@pytest.mark.parametrize("fault", [Reset(), GoAway(), Disconnect()])
async def test_faults_of_http2_drop_the_connection(fault: Answer) -> None:
    """HTTP/1.1 has neither streams nor goodbyes: each such fault ends the connection unanswered."""
    async with StandInServer(lambda _: fault) as server, wire(server.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = await asyncio.gather(reader.read(), return_exceptions=True)

    assert answer[0] == b"" or isinstance(answer[0], ConnectionError)


async def test_a_stalled_request_gets_nothing() -> None:
    """A stall keeps the connection open and silent, also when the server closes."""
    async with StandInServer(lambda _: Stall()) as server, wire(server.port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)


async def test_an_awaited_answer_comes_when_it_is_ready() -> None:
    """A handler that needs time is waited for, and dies with its connection."""
    release, cancelled = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Answer:
        try:
            await release.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Respond(200, request.body)

    async with StandInServer(answer) as server:
        async with wire(server.port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n1" * 2)
            release.set()
            answers = [await read_answer(reader) for _ in range(2)]
            assert answers == [(b"HTTP/1.1 200", b"1")] * 2
            release.clear()
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n2")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
        await asyncio.wait_for(cancelled.wait(), 5)
