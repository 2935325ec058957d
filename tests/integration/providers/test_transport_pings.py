"""A connection that is silent is asked for a sign of life, and one that gives none is given up."""

from __future__ import annotations

import asyncio

from support.answering_server import AnsweringServer
from support.answers import Answer, Stall
from support.pools import open_pool, post

from gtr_jobs.providers.exchange import Answered, Broken


async def test_fault_23_a_connection_that_gives_no_sign_of_life_is_given_up(
    answering_server: AnsweringServer,
) -> None:
    """What was under way is in doubt long before its deadline; the next request goes elsewhere."""
    answering_server.answer(Stall(), Answer(200))
    async with open_pool(answering_server, ping_after=0.1, ping_patience=0.2) as pool:
        (stalled,) = post(pool, answering_server, 1)
        await answering_server.saw(1)
        for transport in answering_server.open:
            transport.pause_reading()
        assert await stalled == Broken("connection_lost")
        assert isinstance(await pool.post(answering_server.url, b"{}"), Answered)
    assert len(answering_server.requests) == 2
    assert answering_server.connections == 2


async def test_a_busy_but_slow_server_still_answers_pings(
    answering_server: AnsweringServer,
) -> None:
    """A slow answer is no dead connection."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held))
    async with open_pool(answering_server, ping_after=0.05, ping_patience=0.2) as pool:
        (slow,) = post(pool, answering_server, 1)
        await answering_server.saw(1)
        await asyncio.sleep(0.6)
        held.set()
        assert isinstance(await slow, Answered)
    assert answering_server.connections == 1
