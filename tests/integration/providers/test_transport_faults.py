"""Faults of the wire while requests are under way: what each ends as, that nothing is lost or sent twice, and that the pool goes on."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from support.answering_server import AnsweringServer
from support.answers import (
    Action,
    AllowStreams,
    Answer,
    Drop,
    GoAway,
    ResetStream,
    SeenRequest,
    Stall,
    Trickle,
)
from support.pools import open_pool, post, post_once

from gtr_jobs.providers.authorities import read_authorities
from gtr_jobs.providers.exchange import (
    LARGEST_BODY,
    Answered,
    Broken,
    HttpOptions,
    NotSent,
    Protocol,
    Result,
)
from gtr_jobs.providers.http2.line import Http2Line
from gtr_jobs.providers.reqwest_line import ReqwestLine

PROTOCOLS: tuple[Protocol, ...] = ("http2", "http1", "negotiated")
BOMB = gzip.compress(b"\x00" * (64 * LARGEST_BODY))


def arrivals(server: AnsweringServer) -> Counter[str]:
    """Say how often each request arrived."""
    return Counter(request.path for request in server.requests)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(Trickle(b"x", 0.1), Broken("deadline"), id="one-byte-at-a-time"),
        pytest.param(Stall(), Broken("deadline"), id="silence"),
        pytest.param(Trickle(b"x" * 65_536, 0.0), Broken("answer_too_large"), id="no-end"),
        pytest.param(Answer(200, b"x" * 10_000_000), Broken("answer_too_large"), id="10-megabytes"),
    ],
)
async def test_fault_21_an_answer_that_does_not_end_ends_with_the_deadline_or_the_limit(
    answering_server: AnsweringServer, protocol: Protocol, action: Action, expected: Broken
) -> None:
    """The deadline counts for the whole call, however busy the server looks; the limit for what is kept."""
    answering_server.answer(action)
    started = asyncio.get_running_loop().time()
    assert await post_once(answering_server, protocol) == expected
    assert asyncio.get_running_loop().time() - started < 3
    assert len(answering_server.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_fault_21_a_gzip_bomb_is_not_unpacked(
    answering_server: AnsweringServer, protocol: Protocol
) -> None:
    """64 megabytes of nothing arrive as the few kilobytes that they were packed into."""
    answering_server.answer(Answer(200, BOMB, {"content-encoding": "gzip"}))
    result = await post_once(answering_server, protocol)
    assert isinstance(result, Answered)
    assert result.body == BOMB


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_fault_22_a_certificate_that_vouches_for_nothing_is_refused(
    authority: trustme.CA, tmp_path: Path, protocol: Protocol
) -> None:
    """Expired, for another name, signed by itself: nothing is sent."""
    expired = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    own = trustme.CA()
    for name, certificate in (
        ("expired", expired),
        ("other-name", authority.issue_cert("other.example")),
        ("own", own.issue_cert("localhost")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        async with AnsweringServer(authority, folder, certificate=certificate) as server:
            assert await post_once(server, protocol) == NotSent("tls_untrusted")
            assert server.requests == []


@pytest.mark.parametrize(
    "action", [ResetStream(ErrorCodes.REFUSED_STREAM), GoAway(processed=False)], ids=repr
)
@pytest.mark.parametrize("protocol", ["http2", "negotiated"])
async def test_a_line_repeats_nothing_by_itself(
    answering_server: AnsweringServer, protocol: Protocol, action: Action
) -> None:
    """Underneath the pool a refusal is one request and one result, though another try would be taken."""
    answering_server.answer(action, Answer(200))
    options = HttpOptions(protocol, answering_server.ca_file)
    kind = Http2Line if protocol == "http2" else ReqwestLine
    line = kind(options, read_authorities(options.ca_file), {})
    for _ in range(2):
        result = await line.ask(answering_server.url, b"{}", ())
        if isinstance(result, NotSent):
            assert len(answering_server.requests) == 1
    assert isinstance(result, Answered)
    assert len(answering_server.requests) == 2
    await line.close()


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (ResetStream(ErrorCodes.REFUSED_STREAM), "refused_stream"),
        (GoAway(processed=False), "goaway"),
        (GoAway(processed=False, code=ErrorCodes.ENHANCE_YOUR_CALM), "goaway"),
    ],
    ids=repr,
)
async def test_fault_23_what_is_sent_again_is_counted(
    answering_server: AnsweringServer,
    action: Action,
    code: Literal["goaway", "refused_stream"],
) -> None:
    """Every request that arrives is the first or one of those that were counted."""
    resent: list[tuple[str, str]] = []
    answering_server.answer(action, action, Answer(200), action)
    async with open_pool(
        answering_server,
        service="apns",
        observe_resend=lambda service, said: resent.append((service, said)),
    ) as pool:
        assert isinstance(await pool.post(answering_server.url, b"{}"), Answered)
        assert resent == [("apns", code)] * 2
        assert len(answering_server.requests) == 3
        assert await pool.post(answering_server.url, b"{}") == NotSent(code)
        assert resent == [("apns", code)] * 4
        assert len(answering_server.requests) == 6


@pytest.mark.parametrize("action", [Drop(), ResetStream(), GoAway(processed=True)], ids=repr)
async def test_fault_25_a_used_connection_that_dies_before_an_answer_repeats_nothing(
    answering_server: AnsweringServer, action: Action
) -> None:
    """The request was written whole: the server may have acted, whatever the connection was used for before."""
    resent: list[str] = []
    answering_server.answer(Answer(200), action, Answer(200))
    async with open_pool(
        answering_server, observe_resend=lambda _, said: resent.append(said)
    ) as pool:
        assert isinstance(await pool.post(f"{answering_server.url}/first", b"{}"), Answered)
        lost = await pool.post(f"{answering_server.url}/second", b"{}")
        assert lost == Broken("reset" if isinstance(action, ResetStream) else "connection_lost")
        assert isinstance(await pool.post(f"{answering_server.url}/third", b"{}"), Answered)
    assert arrivals(answering_server) == {"/first": 1, "/second": 1, "/third": 1}
    assert resent == []


async def test_fault_25_a_reset_before_the_request_is_written_whole_is_in_doubt(
    authority: trustme.CA, tmp_path: Path
) -> None:
    """A server that has seen half of a request may act on it; only REFUSED_STREAM says that it did not."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.set_alpn_protocols(["h2"])
    authority.issue_cert("localhost").configure_cert(tls)
    codes = [ErrorCodes.INTERNAL_ERROR, *[ErrorCodes.REFUSED_STREAM] * 3]
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        h2 = H2Connection(H2Configuration(client_side=False))
        h2.initiate_connection()
        writer.write(h2.data_to_send())
        while data := await reader.read(65_536):
            for event in h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    seen.append(len(seen))
                    h2.reset_stream(event.stream_id or 0, codes[len(seen) - 1])
            writer.write(h2.data_to_send())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    # More than the server takes before it is asked to take more.
    body = b"x" * 500_000
    async with AnsweringServer(authority, tmp_path) as names, open_pool(names) as pool:
        assert await pool.post(url, body) == Broken("reset")
        assert len(seen) == 1
        assert await pool.post(url, body) == NotSent("refused_stream")
        assert len(seen) == 4
    server.close()
    await server.wait_closed()


async def test_fault_23_a_goodbye_beyond_us_lets_the_others_end(
    answering_server: AnsweringServer,
) -> None:
    """Those below the id are answered where they are, the one above goes out once more, elsewhere."""
    held = asyncio.Event()
    resent: list[str] = []

    def decide(request: SeenRequest) -> Action:
        if request.connection > 1:
            return Answer(200, b"second connection")
        if request.path == "/4":
            return GoAway(processed=False, lingers=True)
        return Answer(200, b"first connection", after=held)

    answering_server.answer_with(decide)
    async with open_pool(
        answering_server, connections=1, observe_resend=lambda _, said: resent.append(said)
    ) as pool:
        early = post(pool, answering_server, 4)
        await answering_server.saw(4)
        beyond = await pool.post(f"{answering_server.url}/4", b"{}")
        assert isinstance(beyond, Answered)
        assert beyond.body == b"second connection"
        held.set()
        assert [r.body for r in await asyncio.gather(*early) if isinstance(r, Answered)] == [
            b"first connection"
        ] * 4
        assert isinstance(await pool.post(f"{answering_server.url}/5", b"{}"), Answered)
    assert resent == ["goaway"]
    assert arrivals(answering_server) == {f"/{n}": 2 if n == 4 else 1 for n in range(6)}


async def test_fault_23_a_goodbye_that_cuts_leaves_a_doubt_about_those_below_it_only(
    answering_server: AnsweringServer,
) -> None:
    """Those below the id end as broken, once; those above go out again; none is lost."""

    def decide(request: SeenRequest) -> Action:
        if request.connection > 1:
            return Answer(200)
        return GoAway(processed=False) if request.path == "/6" else Stall()

    answering_server.answer_with(decide)
    async with open_pool(answering_server, connections=1) as pool:
        early = post(pool, answering_server, 6)
        await answering_server.saw(6)
        assert isinstance(await pool.post(f"{answering_server.url}/6", b"{}"), Answered)
        assert await asyncio.gather(*early) == [Broken("connection_lost")] * 6
        assert pool.in_flight == 0
    assert arrivals(answering_server) == {f"/{n}": 2 if n == 6 else 1 for n in range(7)}


async def test_fault_23_streams_that_fall_to_one_lose_and_repeat_nothing(
    answering_server: AnsweringServer,
) -> None:
    """What is under way ends, what comes later goes one by one, on the same connection, each once."""
    held = asyncio.Event()

    def decide(request: SeenRequest) -> Action:
        if int(request.path[1:]) < 10:
            return Answer(200, after=held)
        return AllowStreams(1) if request.path == "/10" else Answer(200)

    answering_server.answer_with(decide)
    async with open_pool(answering_server, connections=1) as pool:
        early = post(pool, answering_server, 10)
        await answering_server.saw(10)
        assert isinstance(await pool.post(f"{answering_server.url}/10", b"{}"), Answered)
        late = [
            asyncio.create_task(pool.post(f"{answering_server.url}/{n}", b"{}"))
            for n in range(11, 60)
        ]
        await asyncio.sleep(0)
        assert len(answering_server.requests) == 11
        held.set()
        results: list[Result] = await asyncio.gather(*early, *late)
        assert {type(result) for result in results} == {Answered}
    assert arrivals(answering_server) == {f"/{n}": 1 for n in range(60)}
    assert answering_server.connections == 1
