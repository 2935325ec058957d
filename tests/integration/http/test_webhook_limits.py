"""Too much, too slow, too many: each costs little, and none keeps the others out."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs
from support.webhooks import (
    SID,
    STATUS,
    Served,
    serve_pages,
    sign_twilio,
    status_pairs,
    talk,
    twilio_request,
)

from gtr_jobs.http.webhooks import gate
from gtr_jobs.http.webhooks.server import BoundedProtocol


class _Impatient(BoundedProtocol):
    head_seconds = 0.2


def _head(*headers: str) -> bytes:
    lines = [
        f"POST {STATUS} HTTP/1.1",
        "host: jobs",
        "content-type: application/x-www-form-urlencoded",
        "x-twilio-signature: x",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    """The answer comes at once, and the connection ends."""
    async with serve_pages() as served:
        answer = await talk(served.port, _head("content-length: 10485760"))

        assert _status(answer) == 413
        assert served.counted("twilio_status", "too_large") == 1


async def test_a_body_that_does_not_say_how_large_it_is_is_read_so_far() -> None:
    """64 KB, and no byte is kept of more."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"a" * 16_384

    async with serve_pages() as served:
        answer = await served.client.post(
            STATUS,
            content=chunks(),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "x-twilio-signature": "x",
            },
        )

        assert answer.status_code == 413


async def test_a_body_of_sixty_four_kilobytes_is_read() -> None:
    """The limit itself is within."""
    pairs = [*status_pairs(), ("Filler", "")]
    async with serve_pages() as served:
        short = twilio_request(STATUS, pairs)
        pairs[-1] = ("Filler", "x" * (gate.MAX_BODY_BYTES - len(short["content"])))
        request = twilio_request(STATUS, pairs)

        assert len(request["content"]) == gate.MAX_BODY_BYTES
        assert (await served.client.post(**request)).status_code == 204
        pairs[-1] = ("Filler", pairs[-1][1] + "x")
        assert (await served.client.post(**twilio_request(STATUS, pairs))).status_code == 413


async def test_a_body_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its seconds, and whoever sends it is told."""
    monkeypatch.setattr(gate.GateRules, "__init__", _with_short_patience)
    async with serve_pages() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(_head("content-length: 1000"))
        answer = asyncio.create_task(reader.read())
        while not answer.done():
            writer.write(b"a")
            await asyncio.wait([answer], timeout=0.02)
        writer.close()

        assert _status(answer.result()) == 408
        assert served.counted("twilio_status", "too_slow") == 1


def _with_short_patience(self: gate.GateRules, **rules: object) -> None:
    for name in gate.GateRules.__slots__:
        value = rules.get(name, gate.GateRules.__dataclass_fields__[name].default)
        object.__setattr__(self, name, 0.2 if name == "body_seconds" else value)


@pytest.mark.parametrize("sent", [b"", b"POST ", _head("content-length: 1")[:-2]])
async def test_who_does_not_say_what_they_want_is_hung_up_on(sent: bytes) -> None:
    """A connection that says nothing, or half of it, holds a place for a few seconds and no longer."""
    async with serve_pages(_Impatient) as served:
        assert await talk(served.port, sent, 5) == b""


async def test_a_second_request_is_not_waited_for_either() -> None:
    """Whoever was answered once may not be silent for ever after."""
    async with serve_pages(_Impatient) as served:
        pairs = status_pairs()
        request = twilio_request(STATUS, pairs)
        head = _head(f"content-length: {len(request['content'])}").replace(
            b"x-twilio-signature: x", b"x-twilio-signature: " + sign_twilio(STATUS, pairs).encode()
        )
        answer = await talk(served.port, head + request["content"].encode() + b"POST ", 5)

        assert _status(answer) == 204


async def test_a_head_that_is_too_large_is_refused() -> None:
    """16 KB are more than any provider sends."""
    async with serve_pages() as served:
        unfinished = await talk(served.port, _head(f"x-filler: {'x' * 20_000}")[:-4])
        whole = await talk(served.port, _head(f"x-filler: {'x' * 20_000}"))

        assert (_status(unfinished), _status(whole)) == (400, 431)


async def test_silent_connections_keep_nobody_out() -> None:
    """Two hundred of them, and a report is written."""
    async with serve_pages() as served:
        silent = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(200)]
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))
        for _, writer in silent:
            writer.close()

        assert answer.status_code == 204


async def test_more_connections_than_there_is_room_for_are_cut_off() -> None:
    """Each costs a little memory: there is an end to it."""
    async with serve_pages() as served:
        many = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(300)]
        ended = await asyncio.gather(*(_is_cut_off(reader) for reader, _ in many))
        for _, writer in many:
            writer.close()

        assert sum(ended) == 300 - 256


async def _is_cut_off(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(1):
            await reader.read()
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


async def test_no_more_are_answered_at_once_than_there_is_memory_for() -> None:
    """The next is told to come again; when there is room, it is written."""
    async with serve_pages() as served:
        served.reports.hold = asyncio.Event()
        waiting = [
            asyncio.create_task(_report(served, f"SM{number:032}"))
            for number in range(gate.MOST_AT_ONCE)
        ]
        async with asyncio.timeout(10):
            while len(served.reports.calls) < gate.MOST_AT_ONCE:
                await asyncio.sleep(0.01)
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))
        served.reports.hold.set()

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert await asyncio.gather(*waiting) == [204] * gate.MOST_AT_ONCE
        assert await _report(served, SID) == 204


async def _report(served: Served, sid: str) -> int:
    request = twilio_request(STATUS, status_pairs(sid=sid))
    return (await served.client.post(**request)).status_code


async def test_more_reports_than_may_be_written_are_told_to_come_again() -> None:
    """However well they are signed."""
    async with serve_pages(webhook_rate="3/s") as served:
        answers = [await _report(served, f"SM{number:032}") for number in range(4)]

        assert answers == [204, 204, 204, 503]
        assert len(served.reports.calls) == 3


async def test_a_refusal_is_told_once_a_minute() -> None:
    """A flood of them is one line, with the reason, and what is refused later is counted in the next."""
    async with serve_pages() as served:
        with capture_logs() as logs:
            for _ in range(15):
                await served.client.post(STATUS, headers={"content-type": "text/plain"})
            await served.client.post("/nowhere")

    refused = [entry for entry in logs if entry["event"] == "webhooks.refused"]
    assert [(one["page"], one["reason"], one["status"], one["count"]) for one in refused] == [
        ("twilio_status", "wrong_content_type", 415, 1),
        ("none", "no_such_page", 404, 1),
    ]


async def test_who_is_refused_over_and_over_waits_for_it() -> None:
    """And who signs does not."""
    async with serve_pages() as served:
        loop = asyncio.get_running_loop()
        flood = [asyncio.create_task(_ask_without_signature(served)) for _ in range(8)]
        await asyncio.sleep(0.5)
        began = loop.time()
        assert await _report(served, SID) == 204
        took = loop.time() - began
        await asyncio.sleep(1.5)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)

        assert took < 0.9
        # Twenty a second at once, and eight that wait a second each.
        assert served.counted("twilio_status", "no_signature") < 120


async def _ask_without_signature(served: Served) -> None:
    while True:
        await served.client.post(
            STATUS, headers={"content-type": "application/x-www-form-urlencoded"}
        )


async def test_a_flood_of_large_bodies_fills_no_memory() -> None:
    """What is refused is let go."""
    async with serve_pages() as served:
        body = b"a" * 60_000
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": "x",
        }
        tracemalloc.start()
        await asyncio.gather(
            *(served.client.post(STATUS, content=body, headers=headers) for _ in range(60))
        )
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert left < 4_000_000


async def test_whoever_leaves_before_the_end_leaves_nothing() -> None:
    """A body that breaks off is no request, and its place is free again."""
    async with serve_pages() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(_head("content-length: 100") + b"half")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(5):
            while served.counted("twilio_status", "gone") == 0:
                await asyncio.sleep(0.01)

        assert served.metrics.webhook_in_flight._value.get() == 0
