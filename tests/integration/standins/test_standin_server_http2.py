"""The stand-ins' server speaks HTTP/2: to a client in Rust, and frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RemoteSettingsChanged, StreamEnded
from h2.settings import SettingCodes
from pyreqwest.client import Client, ClientBuilder

from gtr_jobs.dev.standins.exchange import Answer, Delay, Request, Respond
from gtr_jobs.dev.standins.frame_client import connect
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.dev.standins.tls import ThrowawayAuthority


@pytest.fixture
def authority(tmp_path: Path) -> ThrowawayAuthority:
    """A certificate authority of this test."""
    return ThrowawayAuthority(tmp_path)


def echo(request: Request) -> Answer:
    """Answer with what was sent."""
    return Respond(200, request.body, {"x-method": request.method, "x-path": request.path})


@asynccontextmanager
async def rust_client(authority: ThrowawayAuthority) -> AsyncIterator[Client]:
    """Open a client on top of Rust's reqwest and hyper."""
    certificate = authority.ca_file.read_bytes()
    async with ClientBuilder().add_root_certificate_pem(certificate).http2(True).build() as client:
        yield client


async def test_many_requests_share_one_connection(authority: ThrowawayAuthority) -> None:
    """300 requests at once are answered over a single connection, each with its own answer."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        rust_client(authority) as client,
    ):
        url = f"https://localhost:{server.port}/v1"

        async def ask(number: int) -> tuple[int, str, str]:
            body = str(number).encode()
            response = await client.post(url).body_bytes(body).build().send()
            return response.status, response.version, await response.text()

        await ask(0)
        answers = await asyncio.gather(*[ask(number) for number in range(300)])

        assert answers == [(200, "HTTP/2.0", str(number)) for number in range(300)]
        assert server.connections == 1


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 3_000_000])
async def test_bodies_of_any_size_pass_both_ways(authority: ThrowawayAuthority, size: int) -> None:
    """A body larger than the windows of flow control arrives whole, and so does its echo."""
    body = bytes(range(256)) * (size // 256 + 1)
    async with (
        StandInServer(echo, authority.server_context()) as server,
        rust_client(authority) as client,
    ):
        url = f"https://localhost:{server.port}/"
        response = await client.post(url).body_bytes(body[:size]).build().send()

        assert (response.status, bytes(await response.bytes())) == (200, body[:size])


async def test_large_bodies_of_many_streams_are_interleaved(authority: ThrowawayAuthority) -> None:
    """Twenty bodies of 200 kB at once share the windows of one connection and none is stuck."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        rust_client(authority) as client,
    ):
        url = f"https://localhost:{server.port}/"

        async def ask(number: int) -> bytes:
            response = await client.post(url).body_bytes(bytes([number]) * 200_000).build().send()
            return bytes(await response.bytes())

        answers = await asyncio.gather(*[ask(number) for number in range(20)])

        assert answers == [bytes([number]) * 200_000 for number in range(20)]


async def test_an_answer_waits_for_the_clients_window(authority: ThrowawayAuthority) -> None:
    """A client that opens its window a little at a time gets the answer in as many pieces."""

    def answer(_: Request) -> Answer:
        return Respond(200, b"0123456789" * 10)

    async with (
        StandInServer(answer, authority.server_context()) as server,
        connect(server.port, authority.ca_file, {SettingCodes.INITIAL_WINDOW_SIZE: 40}) as client,
    ):
        stream_id = await client.post()
        pieces = [(await client.read(DataReceived)).data]
        for _ in range(2):
            client.h2.increment_flow_control_window(40, stream_id)
            await client.flush()
            pieces.append((await client.read(DataReceived)).data)
        await client.read(StreamEnded)

    assert pieces == [b"0123456789" * 4, b"0123456789" * 4, b"0123456789" * 2]


async def test_a_body_over_the_limit_is_refused(authority: ThrowawayAuthority) -> None:
    """A body above the server's limit is answered with 413, and the connection goes on."""
    async with (
        StandInServer(echo, authority.server_context(), body_limit=1000) as server,
        rust_client(authority) as client,
    ):
        url = f"https://localhost:{server.port}/"
        statuses = [
            (await client.post(url).body_bytes(b"x" * size).build().send()).status
            for size in (1000, 1001, 1000)
        ]

        assert statuses == [200, 413, 200]
        assert server.connections == 1


async def test_the_limit_of_streams_is_announced(authority: ThrowawayAuthority) -> None:
    """The first SETTINGS frame carries MAX_CONCURRENT_STREAMS, 100 unless told otherwise."""
    async with (
        StandInServer(echo, authority.server_context()) as usual,
        StandInServer(echo, authority.server_context(), max_concurrent_streams=7) as tight,
        connect(usual.port, authority.ca_file) as one,
        connect(tight.port, authority.ca_file) as other,
    ):
        assert (one.streams_allowed, other.streams_allowed) == (100, 7)


async def test_the_limit_of_streams_changes_while_running(authority: ThrowawayAuthority) -> None:
    """Open connections are told of a new limit, and so are later ones."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as early,
    ):
        await early.post()
        await early.read(StreamEnded)

        server.limit_streams(3)

        await early.read(RemoteSettingsChanged)
        async with connect(server.port, authority.ca_file) as late:
            assert (early.streams_allowed, late.streams_allowed) == (3, 3)


async def test_streams_before_the_settings_are_known_are_answered(
    authority: ThrowawayAuthority,
) -> None:
    """A client that sends five requests before it acknowledged a limit of one gets five answers."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        server.limit_streams(1)
        streams = [await client.post(body=b"x") for _ in range(5)]
        ended = [(await client.read(StreamEnded)).stream_id for _ in range(5)]

    assert sorted(ended) == streams


async def test_a_client_that_ignores_the_limit_is_sent_away(
    authority: ThrowawayAuthority,
) -> None:
    """More open streams than an acknowledged limit allows end the connection with GOAWAY."""

    def answer(_: Request) -> Answer:
        return Delay(60, Respond(200))

    async with (
        StandInServer(answer, authority.server_context(), max_concurrent_streams=1) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        client.h2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 10
        client.h2.remote_settings.acknowledge()
        await client.post()
        await client.post()

        event = await client.read(ConnectionTerminated)

    assert (event.error_code, event.last_stream_id) == (ErrorCodes.PROTOCOL_ERROR, 1)


async def test_an_answer_to_a_stream_that_was_reset_is_dropped(
    authority: ThrowawayAuthority,
) -> None:
    """A client that gives up on a slow answer can go on with the same connection."""

    def answer(request: Request) -> Answer:
        return Delay(0.05, Respond(200, request.body))

    async with (
        StandInServer(answer, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        given_up = await client.post(body=b"first")
        client.h2.reset_stream(given_up, ErrorCodes.CANCEL)
        kept = await client.post(body=b"second")
        event = await client.read(DataReceived)

    assert (event.stream_id, event.data) == (kept, b"second")


async def test_a_request_and_its_reset_in_one_read_do_no_harm(
    authority: ThrowawayAuthority,
) -> None:
    """A request that is taken back in the same packet is not answered and breaks nothing."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        client.write_request(1, body=b"gone")
        client.h2.reset_stream(1)
        client.write_request(3, body=b"here")
        await client.flush()
        event = await client.read(DataReceived)

    assert (event.stream_id, event.data) == (3, b"here")


async def test_a_client_that_is_no_client_is_sent_away(authority: ThrowawayAuthority) -> None:
    """Bytes that are no frames end the connection with GOAWAY."""
    async with (
        StandInServer(echo, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        client.h2.ping(b"12345678")
        garbage = b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"  # DATA on stream 0
        client._writer.write(garbage)
        await client.flush()
        event = await client.read(ConnectionTerminated)

    assert event.error_code == ErrorCodes.PROTOCOL_ERROR


async def test_repeated_headers_are_told(authority: ThrowawayAuthority) -> None:
    """The handler learns which headers came twice, and has their last value."""
    seen: list[tuple[str, frozenset[str]]] = []

    def answer(request: Request) -> Answer:
        seen.append((request.headers["x-a"], request.repeated))
        return Respond(200)

    async with (
        StandInServer(answer, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        headers = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/")]
        client.h2.send_headers(1, [*headers, ("x-a", "1"), ("x-a", "2")], end_stream=True)
        await client.flush()
        await client.read(StreamEnded)

    assert seen == [("2", frozenset({"x-a"}))]
