"""What cancelling a request leaves behind in the HTTP pool, and how closing ends everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest, Stall
from support.pools import open_pool, post

from gtr_jobs.providers.exchange import Answered, Broken, NotSent


async def test_cancelling_a_request_gives_its_room_back(answering_server: AnsweringServer) -> None:
    """Whoever is under way may be cancelled, and the next one goes."""
    answering_server.answer(Stall(), Answer(200))
    async with open_pool(answering_server, streams=1, connections=1) as pool:
        stalled, waiting = post(pool, answering_server, 2)
        await answering_server.saw(1)
        stalled.cancel()
        assert isinstance(await waiting, Answered)
        with pytest.raises(asyncio.CancelledError):
            await stalled
        assert pool.in_flight == 0


async def test_cancelling_who_waits_loses_no_room(
    answering_server: AnsweringServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither before room is given nor in the very moment when it is."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held), Answer(200))
    async with open_pool(answering_server, streams=1, connections=1) as pool:
        tasks = post(pool, answering_server, 4)
        give_back = pool._give_back

        def give_back_and_cancel(connection: Any) -> None:
            give_back(connection)
            tasks[2].cancel()

        monkeypatch.setattr(pool, "_give_back", give_back_and_cancel)
        await answering_server.saw(1)
        tasks[1].cancel()
        held.set()
        assert isinstance(await tasks[3], Answered)
        for cancelled in tasks[1:3]:
            with pytest.raises(asyncio.CancelledError):
                await cancelled
        assert pool.in_flight == 0
    assert [request.path for request in answering_server.requests] == ["/0", "/3"]


async def test_a_cancelled_crowd_leaves_a_pool_that_works(
    answering_server: AnsweringServer,
) -> None:
    """However many are cancelled in whatever state, all room comes back."""

    def decide(request: SeenRequest) -> Action:
        return Stall() if int(request.path[1:]) % 2 else Answer(200)

    answering_server.answer_with(decide)
    async with open_pool(answering_server, streams=5, connections=2) as pool:
        tasks = post(pool, answering_server, 60)
        await answering_server.saw(10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.in_flight == 0
        answering_server.answer(Answer(200))
        results = await asyncio.gather(*post(pool, answering_server, 10))
        assert {type(result) for result in results} == {Answered}


async def test_closing_ends_everything(answering_server: AnsweringServer) -> None:
    """Under way ends as broken, waiting as not sent, later as not sent; nothing hangs."""
    answering_server.answer(Stall())
    async with open_pool(
        answering_server, streams=1, connections=1, deadline=1.0, connect_timeout=0.9
    ) as pool:
        under_way, waiting = post(pool, answering_server, 2)
        await answering_server.saw(1)
        await pool.close()
        assert await under_way == Broken("pool_closed")
        assert await waiting == NotSent("pool_closed")
        assert pool._closing == set()
        assert await pool.post(answering_server.url, b"") == NotSent("pool_closed")
        await answering_server.has_open(0)


async def test_closing_ends_what_is_under_way_on_a_retired_connection(
    answering_server: AnsweringServer,
) -> None:
    """A connection that takes nothing more is closed with the others."""
    answering_server.answer(Stall())
    async with open_pool(answering_server, deadline=1.0, connect_timeout=0.9) as pool:
        (under_way,) = post(pool, answering_server, 1)
        await answering_server.saw(1)
        pool.use_headers({"authorization": "two"})
        await pool.close()
        assert await under_way == Broken("pool_closed")
        await answering_server.has_open(0)
