"""Proxies that are slow, chatty or wrong on the way to a server of HTTP/2: each has a name, and leaves no socket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import trustme
from support.connect_proxy import ConnectProxy
from support.raw_http2 import RawServer, open_client

from gtr_jobs.providers.exchange import Answered, NotSent, Result
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.proxy import Proxy, read_proxy

_TUNNEL = b"HTTP/1.1 200 Connection established\r\nvia: us\r\n\r\n"


@asynccontextmanager
async def _saying(pieces: Sequence[bytes]) -> AsyncIterator[tuple[Proxy, asyncio.Event]]:
    """Run a proxy that says something whenever it hears something; tells when its client has hung up."""
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for number, piece in enumerate(pieces):
                if number:
                    await reader.read(65_536)
                writer.write(piece)
                await writer.drain()
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        left.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield read_proxy(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), left
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([], NotSent("connect_timeout"), id="silent"),
        pytest.param([b"HTTP/1.1 200 OK\r\n"], NotSent("connect_timeout"), id="half-an-answer"),
        pytest.param([_TUNNEL], NotSent("connect_timeout"), id="a-tunnel-to-nowhere"),
        pytest.param([b"x-a: b\r\n" * 2049], NotSent("proxy_failed"), id="no-end"),
        pytest.param([b"220 mail ESMTP\r\n\r\n"], NotSent("proxy_failed"), id="another-protocol"),
        pytest.param([b"HTTP/1.1 abc\r\n\r\n"], NotSent("proxy_failed"), id="no-status"),
        pytest.param([_TUNNEL + b"\x16\x03"], NotSent("proxy_failed"), id="more-behind-it"),
        pytest.param([_TUNNEL, b"junk" * 9], NotSent("connect_failed"), id="junk-in-the-tunnel"),
        pytest.param(
            [b"HTTP/1.1 407 Who\r\ncontent-length: 4\r\n\r\nyou?"],
            NotSent("proxy_login_refused"),
            id="who-are-you",
        ),
        pytest.param([b"HTTP/1.0 503 No\r\n\r\n"], NotSent("proxy_failed"), id="unable"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_is_hung_up_on(
    raw_server: RawServer, pieces: Sequence[bytes], expected: NotSent
) -> None:
    """Whatever it says or does not say, nothing was sent and no connection to it stays."""
    async with (
        _saying(pieces) as (proxy, left),
        open_client(raw_server, proxy=proxy, deadline=1.0, connect_timeout=0.3) as client,
    ):
        assert await client.post() == expected
        await left.wait()
    assert raw_server.peers == []


async def test_closing_while_a_proxy_thinks_hangs_up_on_it(raw_server: RawServer) -> None:
    """Whoever waits is told, and no connection to it stays."""
    async with (
        _saying([b"HTTP/1.1 "]) as (proxy, left),
        open_client(raw_server, proxy=proxy) as client,
    ):
        request = client.post()
        await asyncio.sleep(0.02)
        await client.line.close()
        assert await request == NotSent("pool_closed")
        await left.wait()


async def _through(server: RawServer, proxy: ConnectProxy, tls: ssl.SSLContext | None) -> Result:
    """Send a request through a proxy that is spoken to over TLS or not."""
    serving: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(proxy.serve(reader, writer)))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    address = read_proxy(f"{'https' if tls else 'http'}://me:secret@localhost:{port}")
    async with open_client(server, proxy=address) as client:
        request = client.post()
        accepted = asyncio.create_task(server.accept())
        await asyncio.wait([request, accepted], return_when=asyncio.FIRST_COMPLETED)
        if accepted.done():
            peer = accepted.result()
            await peer.until(frames.DATA)
            peer.answer(1)
        result = await request
        accepted.cancel()
        await asyncio.wait([accepted])
    await asyncio.gather(*serving, return_exceptions=True)
    listener.close()
    await listener.wait_closed()
    return result


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
async def test_a_tunnel_carries_http2(
    raw_server: RawServer, authority: trustme.CA, version: ssl.TLSVersion, is_secure: bool
) -> None:
    """Through a proxy over TLS as well, whose certificate may be of GTR_CA_FILE's authorities."""
    raw_server.tls.maximum_version = version
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if is_secure else None
    if tls is not None:
        authority.issue_cert("localhost").configure_cert(tls)
    proxy = ConnectProxy(login="me:secret")
    assert await _through(raw_server, proxy, tls) == Answered(200, {}, b"1")
    assert proxy.targets == [f"CONNECT {raw_server.url.removeprefix('https://')}"]


async def test_a_proxys_certificate_is_verified(raw_server: RawServer) -> None:
    """Nobody else learns our login; the server is not asked."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    proxy = ConnectProxy()
    assert await _through(raw_server, proxy, tls) == NotSent("proxy_failed")
    assert proxy.targets == []
