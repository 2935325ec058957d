"""What cannot connect, or is not trusted, has certainly sent nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from support.answering_server import AnsweringServer
from support.pools import post_once

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.exchange import Answered, Broken, HttpOptions, NotSent, Protocol
from gtr_jobs.providers.transport import HttpPool

PROTOCOLS: tuple[Protocol, ...] = ("http2", "http1", "negotiated")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def plain_server(serve: Serve) -> AsyncIterator[str]:
    """Listen without TLS; gives the URL to be fooled by."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_cannot_connect_is_not_sent(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """A name that is none, and a port that nobody listens on."""
    assert await post_once(answering_server, protocol, "https://nowhere.invalid/") == NotSent(
        "dns_failed"
    )
    await answering_server.stop()
    assert await post_once(answering_server, protocol) == NotSent("connect_failed")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_tls_is_always_verified(
    answering_server: AnsweringServer, tmp_path: Path, protocol: Protocol
) -> None:
    """Neither an unknown authority nor another name's certificate is believed."""
    folder = tmp_path / "other"
    folder.mkdir()
    authority = trustme.CA()
    async with AnsweringServer(authority, folder) as unknown:
        assert await post_once(answering_server, protocol, unknown.url) == NotSent("tls_untrusted")
        assert unknown.requests == []
    async with AnsweringServer(authority, folder, "other.example") as other:
        assert await post_once(other, protocol) == NotSent("tls_untrusted")
        assert other.requests == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_handshake_that_fails_has_sent_nothing(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """A server that hangs up, one that says nothing, one that speaks another language."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    expected = {
        hang_up: NotSent("connect_failed"),
        say_nothing: NotSent("connect_timeout"),
        babble: NotSent("connect_failed"),
    }
    for serve, result in expected.items():
        async with plain_server(serve) as url:
            assert await post_once(answering_server, protocol, url) == result


async def test_a_server_without_http2_is_not_spoken_to_in_it(
    answering_server: AnsweringServer, authority: trustme.CA
) -> None:
    """Where HTTP/2 is wanted and TLS agrees on none, nothing is taken for an answer."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(24)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    result = await post_once(answering_server, "http2", f"https://localhost:{port}/")
    assert isinstance(result, NotSent | Broken)
    server.close()
    await server.wait_closed()


async def test_plain_http_is_refused(answering_server: AnsweringServer) -> None:
    """Nothing leaves this machine unencrypted."""
    url = f"http://localhost:{answering_server.port}/"
    assert await post_once(answering_server, "http1", url) == NotSent("request_invalid")


@pytest.mark.parametrize("value", ["two\nlines", "nul\x00"])
async def test_a_header_that_is_none_is_not_sent(
    answering_server: AnsweringServer, value: str
) -> None:
    """A line end cannot smuggle in a header of its own."""
    pool = HttpPool(HttpOptions(ca_file=answering_server.ca_file))
    result = await pool.post(answering_server.url, b"", [("apns-collapse-id", value)])
    assert result == NotSent("request_invalid")
    await pool.close()


def test_a_file_of_authorities_is_checked_when_it_is_read(tmp_path: Path) -> None:
    """Missing, not PEM, damaged: the setting and the file are named before anything is sent."""
    missing, junk, damaged = tmp_path / "missing", tmp_path / "junk", tmp_path / "damaged"
    junk.write_text("junk")
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for file in (missing, junk, damaged, tmp_path):
        with pytest.raises(ConfigurationError, match=f"GTR_CA_FILE.*{file}"):
            HttpPool(HttpOptions(ca_file=file))


async def test_a_bundle_of_authorities_is_trusted_whole(
    answering_server: AnsweringServer, tmp_path: Path
) -> None:
    """The one that matters may be any of them."""
    ours, other = answering_server.ca_file.read_bytes(), trustme.CA().cert_pem.bytes()
    for content in (ours + other, other + ours):
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(content)
        pool = HttpPool(HttpOptions(ca_file=bundle))
        assert isinstance(await pool.post(answering_server.url, b""), Answered)
        await pool.close()


def test_a_connect_timeout_must_be_shorter_than_the_deadline() -> None:
    """Or a deadline in the handshake would look like one after sending."""
    with pytest.raises(ValueError, match="shorter"):
        HttpOptions(deadline=2.0, connect_timeout=2.0)
