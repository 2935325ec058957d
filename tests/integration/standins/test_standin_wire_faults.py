"""The stand-ins' server breaks the wire on demand, exactly as told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamReset

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
from gtr_jobs.dev.standins.frame_client import FrameClient, connect
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.dev.standins.tls import ThrowawayAuthority


@pytest.fixture
def authority(tmp_path: Path) -> ThrowawayAuthority:
    """A certificate authority of this test."""
    return ThrowawayAuthority(tmp_path)


def server_of(authority: ThrowawayAuthority, answers: Mapping[str, Answer]) -> StandInServer:
    """Make a server with a fixed answer for each path, and an echo for all others."""

    def answer(request: Request) -> Answer:
        return answers.get(request.path, Respond(200, request.body))

    return StandInServer(answer, authority.server_context())


async def is_echoed(client: FrameClient, body: bytes) -> bool:
    """Whether the connection still answers."""
    await client.post("/echo", body)
    return (await client.read(DataReceived)).data == body


@pytest.mark.parametrize(
    "code", [ErrorCodes.REFUSED_STREAM, ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM]
)
async def test_a_stream_is_reset_with_the_code_told(
    authority: ThrowawayAuthority, code: ErrorCodes
) -> None:
    """RST_STREAM carries the code, and the connection goes on."""
    async with (
        server_of(authority, {"/reset": Reset(code)}) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        stream_id = await client.post("/reset", b"x")
        reset = await client.read(StreamReset)

        assert (reset.stream_id, reset.error_code) == (stream_id, code)
        assert await is_echoed(client, b"still here")


async def test_a_disconnect_comes_without_a_word(authority: ThrowawayAuthority) -> None:
    """The connection ends with neither an answer nor a GOAWAY; answers before it have left."""
    async with (
        server_of(authority, {"/die": Disconnect()}) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        client.write_request(1, "/echo", b"first")
        client.write_request(3, "/die")
        await client.flush()
        answered = await client.read(DataReceived)
        with pytest.raises((EOFError, ConnectionError)):
            await client.read(ConnectionTerminated)

        assert answered.data == b"first"
        assert server.connections == 0


async def test_a_goodbye_leaves_out_the_request_and_answers_earlier_ones(
    authority: ThrowawayAuthority,
) -> None:
    """GOAWAY names the stream before as the last; what came before is answered, then it ends."""
    answers: dict[str, Answer] = {
        "/slow": Delay(0.05, Respond(200, b"slow")),
        "/bye": GoAway(debug=b"maintenance"),
    }
    async with (
        server_of(authority, answers) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        early = await client.post("/slow")
        await client.post("/bye")
        late = await client.post("/echo", b"ignored")
        events = await client.read_to_the_end()

    goodbyes = [event for event in events if isinstance(event, ConnectionTerminated)]
    answered = [event.stream_id for event in events if isinstance(event, ResponseReceived)]
    assert [(each.last_stream_id, each.error_code) for each in goodbyes] == [
        (early, ErrorCodes.NO_ERROR)
    ]
    assert [each.additional_data for each in goodbyes] == [b"maintenance"]
    assert answered == [early]
    assert late > early


async def test_streams_after_the_last_that_a_goodbye_names_get_nothing(
    authority: ThrowawayAuthority,
) -> None:
    """A request that was open but is not taken in is not answered, though others still are."""
    answers: dict[str, Answer] = {
        "/slow": Delay(0.05, Respond(200, b"slow")),
        "/left-out": Delay(0.02, Respond(200, b"never seen")),
        "/bye": GoAway(last_stream_id=1),
    }
    async with (
        server_of(authority, answers) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        for path in ("/slow", "/left-out", "/bye"):
            await client.post(path)
        events = await client.read_to_the_end()

    assert [event.stream_id for event in events if isinstance(event, ResponseReceived)] == [1]


async def test_what_a_goodbye_leaves_out_is_not_taken(authority: ThrowawayAuthority) -> None:
    """Its client sends it again elsewhere: were it taken here too, it would arrive twice."""
    taken: list[str] = []

    def answer(request: Request) -> Answer:
        taken.append(request.path)
        return GoAway() if request.path == "/bye" else Respond(200)

    async with (
        StandInServer(answer, authority.server_context()) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        for number, path in enumerate(("/early", "/bye", "/late", "/later")):
            client.write_request(2 * number + 1, path)
        await client.flush()
        await client.read_to_the_end()

    assert taken == ["/early", "/bye"]


async def test_a_goodbye_never_leaves_out_what_was_taken(authority: ThrowawayAuthority) -> None:
    """It comes late, and names the last that is being done by then."""
    answers: dict[str, Answer] = {"/bye": Delay(0.05, GoAway())}
    async with (
        server_of(authority, answers) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        await client.post("/bye")
        late = await client.post("/echo", b"taken")
        goodbye = await client.read(ConnectionTerminated)

    assert goodbye.last_stream_id == late


@pytest.mark.parametrize(("last", "named"), [("this", 3), (1, 1), (2**31 - 1, 2**31 - 1), (0, 0)])
async def test_a_goodbye_names_the_last_stream_told(
    authority: ThrowawayAuthority, last: int | str, named: int
) -> None:
    """GOAWAY can take the request in, or name any stream; the request gets no answer."""
    goodbye = GoAway(last, ErrorCodes.ENHANCE_YOUR_CALM)  # type: ignore[arg-type]  # parametrized
    async with (
        server_of(authority, {"/bye": goodbye}) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        assert await is_echoed(client, b"x")
        await client.post("/bye")
        event = await client.read(ConnectionTerminated)
        rest = await client.read_to_the_end()

    assert (event.last_stream_id, event.error_code) == (named, ErrorCodes.ENHANCE_YOUR_CALM)
    assert not [each for each in rest if isinstance(each, ResponseReceived) and each.stream_id > 1]


async def test_a_stalled_request_gets_nothing(authority: ThrowawayAuthority) -> None:
    """A stalled stream stays open and silent while others are answered."""
    async with (
        server_of(authority, {"/stall": Stall()}) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        await client.post("/stall")
        assert await is_echoed(client, b"others go on")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.read(DataReceived), 0.05)


async def test_a_delayed_answer_comes_later_and_overtakes_nobody(
    authority: ThrowawayAuthority,
) -> None:
    """A delay holds one stream back for its time, even in front of a fault."""
    answers: dict[str, Answer] = {
        "/late": Delay(0.1, Respond(200, b"late")),
        "/reset": Delay(0.02, Reset(ErrorCodes.CANCEL)),
    }
    async with (
        server_of(authority, answers) as server,
        connect(server.port, authority.ca_file) as client,
    ):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await client.post("/late")
        await client.post("/reset")
        assert await is_echoed(client, b"at once")
        reset = await client.read(StreamReset)
        late = await client.read(DataReceived)

        assert (reset.error_code, late.data) == (ErrorCodes.CANCEL, b"late")
        assert loop.time() - begun >= 0.1
