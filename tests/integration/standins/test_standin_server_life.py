"""The stand-ins' server waits for its handlers, bears their faults, and closes clean."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, PingAckReceived, ResponseReceived

from gtr_jobs.dev.standins.exchange import Answer, Delay, Request, Respond
from gtr_jobs.dev.standins.frame_client import connect
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.dev.standins.tls import ThrowawayAuthority


@pytest.fixture
def authority(tmp_path: Path) -> ThrowawayAuthority:
    """A certificate authority of this test."""
    return ThrowawayAuthority(tmp_path)


@contextmanager
def recorded_faults() -> Iterator[list[dict[str, Any]]]:
    """Collect what is reported to the event loop."""
    faults: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(context))
    yield faults
    loop.set_exception_handler(None)


async def answer_never(_: Request) -> Answer:
    """Wait for what never comes."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("the future is never done")


async def test_a_handler_may_take_its_time(authority: ThrowawayAuthority) -> None:
    """A handler that returns an awaitable is answered for when that is done, others meanwhile."""
    release = asyncio.Event()

    async def wait(request: Request) -> Answer:
        await release.wait()
        return Respond(200, request.body)

    def answer(request: Request) -> Any:
        return wait(request) if request.path == "/slow" else Respond(200, request.body)

    async with (
        StandInServer(answer, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        await client.post("/slow", b"late")
        await client.post("/fast", b"early")
        first = await client.read(DataReceived)
        release.set()
        second = await client.read(DataReceived)

    assert (first.data, second.data) == (b"early", b"late")


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_fault_of_the_handler_is_reported(
    authority: ThrowawayAuthority, is_late: bool
) -> None:
    """A handler that raises costs a 500, is reported to the loop, and the connection goes on."""

    async def fail_late(_: Request) -> Answer:
        raise RuntimeError("a fault of ours")

    def answer(request: Request) -> Any:
        if request.path == "/good":
            return Respond(200)
        if is_late:
            return fail_late(request)
        raise RuntimeError("a fault of ours")

    with recorded_faults() as faults:
        async with (
            StandInServer(answer, authority.server_context()) as server,
            connect(server.port, authority.ca_file) as client,
        ):
            await client.post("/bad")
            bad = dict((await client.read(ResponseReceived)).headers)
            await client.post("/good")
            good = dict((await client.read(ResponseReceived)).headers)

    assert (bad[b":status"], good[b":status"]) == (b"500", b"200")
    assert [str(fault["exception"]) for fault in faults] == ["a fault of ours"]


async def test_closing_says_goodbye_and_leaves_nothing(authority: ThrowawayAuthority) -> None:
    """Closing sends GOAWAY to every client, sees handlers off, and leaves no task behind."""
    arrived, cleaned_up = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Answer:
        arrived.set()
        try:
            return await answer_never(request)
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            cleaned_up.set()

    before = asyncio.all_tasks()
    server = StandInServer(answer, authority.server_context())
    await server.start()
    async with connect(server.port, authority.ca_file) as client:
        await client.post(body=b"never answered")
        await asyncio.wait_for(arrived.wait(), 5)
        closing = asyncio.ensure_future(server.close())
        goodbye = await client.read(ConnectionTerminated)
        await client.read_to_the_end()
        await closing

        assert (goodbye.error_code, server.connections) == (ErrorCodes.NO_ERROR, 0)
        assert cleaned_up.is_set()
        assert asyncio.all_tasks() == before


async def test_a_handler_that_was_asked_for_nothing_is_let_go(
    authority: ThrowawayAuthority,
) -> None:
    """A request that is taken back in the same packet leaves no coroutine unawaited."""
    async with (
        StandInServer(answer_never, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        client.write_request(1, body=b"gone")
        client.h2.reset_stream(1)
        client.h2.ping(b"12345678")
        await client.flush()
        pong = await client.read(PingAckReceived)
        gc.collect()

    assert pong.ping_data == b"12345678"


async def test_closing_does_not_wait_for_a_client_that_hangs(
    authority: ThrowawayAuthority,
) -> None:
    """A client that neither reads nor leaves is cut off after a moment."""
    server = StandInServer(answer_never, authority.server_context())
    await server.start()
    async with connect(server.port, authority.ca_file):
        async with asyncio.timeout(5):
            await server.close()

        assert server.connections == 0


async def test_a_closed_server_refuses_and_comes_back_on_its_port(
    authority: ThrowawayAuthority,
) -> None:
    """Nothing listens after closing, and a later start can take the same port."""
    server = StandInServer(lambda _: Respond(204), authority.server_context())
    await server.start()
    port = server.port
    await server.close()
    with pytest.raises(OSError, match="Connect call failed"):
        async with connect(port, authority.ca_file):
            pass

    await server.start(port)

    async with connect(port, authority.ca_file) as client:
        await client.post()
        answer = dict((await client.read(ResponseReceived)).headers)
    await server.close()
    assert answer[b":status"] == b"204"


async def test_a_client_that_goes_takes_its_slow_answers_along(
    authority: ThrowawayAuthority,
) -> None:
    """A dropped connection cancels what was to be answered on it."""
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Answer:
        arrived.set()
        try:
            return await answer_never(request)
        finally:
            ended.set()

    async with StandInServer(answer, authority.server_context()) as server:
        async with connect(server.port, authority.ca_file) as client:
            await client.post(body=b"x")
            await asyncio.wait_for(arrived.wait(), 5)

        await asyncio.wait_for(ended.wait(), 5)


async def test_a_client_that_goes_takes_its_delays_along(authority: ThrowawayAuthority) -> None:
    """A delayed answer to a client that has gone is not attempted."""
    arrived, later = asyncio.Event(), asyncio.Event()

    def answer(_: Request) -> Answer:
        arrived.set()
        asyncio.get_running_loop().call_later(0.03, later.set)
        return Delay(0.02, Respond(200))

    with recorded_faults() as faults:
        async with StandInServer(answer, authority.server_context()) as server:
            async with connect(server.port, authority.ca_file) as client:
                await client.post(body=b"x")
                await asyncio.wait_for(arrived.wait(), 5)
            await asyncio.wait_for(later.wait(), 5)

    assert faults == []


async def test_dropping_connections_keeps_the_server(authority: ThrowawayAuthority) -> None:
    """Cut-off clients see no goodbye; new ones are served."""
    async with StandInServer(lambda _: Respond(200), authority.server_context()) as server:
        async with connect(server.port, authority.ca_file) as client:
            server.drop_connections()
            with pytest.raises((EOFError, ConnectionError)):
                await client.read(ConnectionTerminated)
        async with connect(server.port, authority.ca_file) as client:
            await client.post()
            answer = dict((await client.read(ResponseReceived)).headers)

    assert answer[b":status"] == b"200"
