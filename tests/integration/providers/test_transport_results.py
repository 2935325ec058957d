"""What the HTTP pool says of an exchange: answered, certainly not sent, or broken."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from h2.errors import ErrorCodes
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Drop, GoAway, ResetStream, Stall

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.exchange import (
    LARGEST_BODY,
    Answered,
    Broken,
    HttpOptions,
    NotSent,
    Protocol,
    Result,
)
from gtr_jobs.providers.transport import HttpPool

PROTOCOLS: tuple[Protocol, ...] = ("http2", "http1", "negotiated")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def post_once(
    server: AnsweringServer, protocol: Protocol, url: str | None = None, body: bytes = b"{}"
) -> Result:
    """Send one request on a pool of its own."""
    options = HttpOptions(protocol, server.ca_file, deadline=0.6, connect_timeout=0.5)
    pool = HttpPool(options, {"x-of-the-pool": "1"})
    try:
        return await pool.post(url or server.url + "/path?a=b", body, [("x-of-the-request", "2")])
    finally:
        await pool.close()


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
async def test_an_answer_is_given_whole(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """Status, headers in lower case and body arrive; so do the request's own."""
    answering_server.answer(Answer(418, b"short and stout", {"Retry-After": "7", "X-Two": "2"}))
    result = await post_once(answering_server, protocol, body=b"the body")
    assert result == Answered(
        status=418,
        headers={"retry-after": "7", "x-two": "2", "content-length": "15"},
        body=b"short and stout",
        connection=1,
    )
    (request,) = answering_server.requests
    assert (request.method, request.path, request.body) == ("POST", "/path?a=b", b"the body")
    assert request.headers["x-of-the-pool"] == "1"
    assert request.headers["x-of-the-request"] == "2"
    assert request.headers["user-agent"].startswith("gtr-jobs/")
    assert "accept-encoding" not in request.headers


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [0, 1, 70_000, LARGEST_BODY])
async def test_a_body_is_read_to_its_end(
    answering_server: AnsweringServer, protocol: Protocol, size: int
) -> None:
    """However many frames it takes, up to the limit."""
    answering_server.answer(Answer(200, b"x" * size))
    result = await post_once(answering_server, protocol)
    assert isinstance(result, Answered)
    assert result.body == b"x" * size


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_redirect_is_an_answer_like_another(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """Nobody is sent elsewhere with our credentials."""
    answering_server.answer(Answer(307, b"", {"location": answering_server.url + "/elsewhere"}))
    result = await post_once(answering_server, protocol)
    assert isinstance(result, Answered)
    assert result.status == 307
    assert [request.path for request in answering_server.requests] == ["/path?a=b"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_compressed_answer_stays_as_it_is(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """Nothing is unpacked, so that a small answer cannot become a huge one."""
    answering_server.answer(Answer(200, b"\x1f\x8bnot gzip", {"content-encoding": "gzip"}))
    result = await post_once(answering_server, protocol)
    assert isinstance(result, Answered)
    assert result.body == b"\x1f\x8bnot gzip"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Drop(), Broken("connection_lost")),
        (Drop(after_headers=True), Broken("answer_broken")),
        (Stall(), Broken("deadline")),
        (Stall(after_headers=True), Broken("deadline")),
        (Answer(200, b"x" * (LARGEST_BODY + 1)), Broken("answer_too_large")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("warm", [False, True], ids=["new-connection", "used-connection"])
async def test_what_breaks_after_sending_is_broken(
    answering_server: AnsweringServer,
    protocol: Protocol,
    action: Action,
    expected: Broken,
    warm: bool,
) -> None:
    """And it is sent once, on a new connection as on one that has been used."""
    options = HttpOptions(
        protocol, answering_server.ca_file, deadline=0.6, connect_timeout=0.5, streams=1
    )
    pool = HttpPool(options)
    if warm:
        answering_server.answer(Answer(200))
        await pool.post(answering_server.url, b"")
    answering_server.answer(action)
    assert await pool.post(answering_server.url, b"{}") == expected
    assert len(answering_server.requests) == 1 + warm
    await pool.close()


@pytest.mark.parametrize(
    ("action", "expected", "most"),
    [
        (ResetStream(ErrorCodes.CANCEL), Broken("reset"), 1),
        (ResetStream(ErrorCodes.REFUSED_STREAM), NotSent("refused_stream"), 3),
        (GoAway(processed=True), Broken("connection_lost"), 1),
        (GoAway(processed=False), NotSent("goaway"), 3),
        (GoAway(processed=False, code=ErrorCodes.INTERNAL_ERROR), NotSent("goaway"), 1),
    ],
    ids=repr,
)
async def test_http2_says_whether_it_was_processed(
    answering_server: AnsweringServer, action: Action, expected: Result, most: int
) -> None:
    """Only what the server calls unprocessed is sent again by the client, twice and no more."""
    answering_server.answer(action)
    assert await post_once(answering_server, "http2") == expected
    assert len(answering_server.requests) == most


@pytest.mark.parametrize(
    "action", [ResetStream(ErrorCodes.REFUSED_STREAM), GoAway(processed=False)]
)
async def test_what_was_refused_once_is_answered_after_all(
    answering_server: AnsweringServer, action: Action
) -> None:
    """A refusal that passes is not even seen."""
    answering_server.answer(action, Answer(200, b"taken"))
    result = await post_once(answering_server, "http2")
    assert isinstance(result, Answered)
    assert result.body == b"taken"
    assert len(answering_server.requests) == 2


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
