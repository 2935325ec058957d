"""How the HTTP pool grows, waits, warms up, changes its headers and shrinks."""

from __future__ import annotations

import asyncio
from typing import Any

from support.answering_server import AnsweringServer
from support.answers import Answer, Drop, Stall
from support.pools import open_pool, post

from gtr_jobs.providers.exchange import Answered, Broken, NotSent


def connections_used(server: AnsweringServer) -> list[int]:
    """Say which connection carried each request, in the order of arrival."""
    return [request.connection for request in server.requests]


async def test_requests_share_a_connection(answering_server: AnsweringServer) -> None:
    """As many as a connection carries need no second one."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held))
    async with open_pool(answering_server, streams=20) as pool:
        tasks = post(pool, answering_server, 20)
        await answering_server.saw(20)
        assert (pool.in_flight, pool.open_connections) == (20, 1)
        held.set()
        await asyncio.gather(*tasks)
        assert (pool.in_flight, pool.open_connections) == (0, 1)
    assert answering_server.connections == 1


async def test_the_pool_grows_with_what_is_in_flight(answering_server: AnsweringServer) -> None:
    """One more request than a connection carries opens another, up to the maximum."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held))
    async with open_pool(answering_server, streams=10, connections=3) as pool:
        tasks = post(pool, answering_server, 35)
        await answering_server.saw(30)
        assert (pool.in_flight, pool.open_connections) == (30, 3)
        held.set()
        results = await asyncio.gather(*tasks)
    assert {type(result) for result in results} == {Answered}
    assert answering_server.connections == 3
    assert sorted(connections_used(answering_server)[:30]) == [1] * 10 + [2] * 10 + [3] * 10


async def test_those_who_wait_go_in_the_order_of_their_coming(
    answering_server: AnsweringServer,
) -> None:
    """Room goes to who has waited longest."""
    async with open_pool(answering_server, streams=1, connections=1) as pool:
        await asyncio.gather(*post(pool, answering_server, 10))
    assert [request.path for request in answering_server.requests] == [f"/{n}" for n in range(10)]


async def test_waiting_for_room_ends(answering_server: AnsweringServer) -> None:
    """After half a deadline without room, a request was certainly not sent."""
    answering_server.answer(Stall())
    async with open_pool(
        answering_server, streams=1, connections=1, deadline=1.0, connect_timeout=0.9
    ) as pool:
        assert await asyncio.gather(*post(pool, answering_server, 2)) == [
            Broken("deadline"),
            NotSent("pool_timeout"),
        ]
        assert pool.in_flight == 0
    assert len(answering_server.requests) == 1


async def test_idle_connections_are_closed_but_one(answering_server: AnsweringServer) -> None:
    """After a burst the pool shrinks by itself."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held))
    async with open_pool(answering_server, streams=1, idle_seconds=0.05) as pool:
        tasks = post(pool, answering_server, 4)
        await answering_server.saw(4)
        held.set()
        await asyncio.gather(*tasks)
        await answering_server.has_open(1)
        assert pool.open_connections == 1
        assert isinstance(await pool.post(answering_server.url, b""), Answered)
    assert answering_server.connections == 4


async def test_a_busy_connection_is_not_idle(answering_server: AnsweringServer) -> None:
    """What has been under way for longer than the idle time is left alone."""
    held = asyncio.Event()
    answering_server.answer_with(
        lambda request: Answer(200, after=held if request.path in {"/0", "/1"} else None)
    )
    async with open_pool(answering_server, streams=1, idle_seconds=0.03) as pool:
        tasks = post(pool, answering_server, 3)
        await tasks[2]
        await answering_server.has_open(2)
        assert pool.open_connections == 2
        held.set()
        assert {type(result) for result in await asyncio.gather(*tasks)} == {Answered}


async def test_other_headers_go_out_on_new_connections(answering_server: AnsweringServer) -> None:
    """Who is under way keeps what it was sent with; the old connection then goes."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held), Answer(200))
    async with open_pool(answering_server) as pool:
        (first,) = post(pool, answering_server, 1)
        await answering_server.saw(1)
        pool.use_headers({"authorization": "one"})
        assert pool.open_connections == 1
        pool.use_headers({"authorization": "two"})
        assert isinstance(await pool.post(answering_server.url, b""), Answered)
        held.set()
        assert isinstance(await first, Answered)
        await answering_server.has_open(1)
    assert [request.headers["authorization"] for request in answering_server.requests] == [
        "one",
        "two",
    ]
    assert connections_used(answering_server) == [1, 2]


async def test_who_waits_goes_out_with_the_new_headers(answering_server: AnsweringServer) -> None:
    """A request that has not been sent yet takes the headers of the moment it is."""
    held = asyncio.Event()
    answering_server.answer(Answer(200, after=held), Answer(200))
    async with open_pool(answering_server, streams=1, connections=1) as pool:
        tasks = post(pool, answering_server, 2)
        await answering_server.saw(1)
        pool.use_headers({"authorization": "two"})
        assert isinstance(await tasks[1], Answered)
        held.set()
        await tasks[0]
    assert [request.headers["authorization"] for request in answering_server.requests] == [
        "one",
        "two",
    ]


async def test_a_retired_connection_takes_nothing_more(answering_server: AnsweringServer) -> None:
    """The next request opens another; retiring it again, or one that never was, does nothing."""
    async with open_pool(answering_server) as pool:
        first = await pool.post(answering_server.url, b"")
        assert isinstance(first, Answered)
        pool.retire(first.connection)
        pool.retire(first.connection)
        pool.retire(99)
        second = await pool.post(answering_server.url, b"")
        assert isinstance(second, Answered)
        assert (first.connection, second.connection) == (1, 2)
        await answering_server.has_open(1)


async def test_a_connection_that_warms_up_begins_with_one_request(
    answering_server: AnsweringServer,
) -> None:
    """Nothing else is sent on it before its first answer; then everything at once."""
    first = asyncio.Event()
    rest = asyncio.Event()
    answering_server.answer(Answer(200, after=first), Answer(200, after=rest))
    async with open_pool(answering_server, streams=10, warm_up=True) as pool:
        tasks = post(pool, answering_server, 10)
        await answering_server.saw(1)
        assert (pool.in_flight, pool.open_connections) == (1, 1)
        first.set()
        await answering_server.saw(10)
        rest.set()
        assert {type(result) for result in await asyncio.gather(*tasks)} == {Answered}
    assert answering_server.connections == 1


async def test_a_second_connection_waits_for_the_first_answer(
    answering_server: AnsweringServer,
) -> None:
    """A burst for three connections is one request, until that is answered: then all three open."""
    first = asyncio.Event()
    others = asyncio.Event()
    answering_server.answer(Answer(200, after=first), Answer(200, after=others))
    async with open_pool(answering_server, streams=10, warm_up=True) as pool:
        tasks = post(pool, answering_server, 31)
        await answering_server.saw(1)
        assert (pool.in_flight, pool.open_connections) == (1, 1)
        first.set()
        await answering_server.saw(13)
        assert (pool.in_flight, pool.open_connections) == (12, 3)
        assert answering_server.connections == 3
        others.set()
        assert {type(result) for result in await asyncio.gather(*tasks)} == {Answered}
    assert answering_server.connections == 3


async def test_a_broken_connection_warms_up_again(answering_server: AnsweringServer) -> None:
    """What comes after a break is as new as the first."""
    held = asyncio.Event()
    answering_server.answer(Answer(200), Drop(), Answer(200, after=held))
    async with open_pool(answering_server, streams=10, warm_up=True) as pool:
        await pool.post(answering_server.url, b"")
        assert await pool.post(answering_server.url, b"") == Broken("connection_lost")
        tasks = post(pool, answering_server, 5)
        await answering_server.saw(3)
        assert pool.in_flight == 1
        held.set()
        await asyncio.gather(*tasks)


async def test_the_server_may_allow_fewer_streams(authority: Any, tmp_path: Any) -> None:
    """What the server's SETTINGS do not allow waits in the client, and is sent all the same."""
    async with AnsweringServer(authority, tmp_path, max_streams=2) as server:
        async with open_pool(server, streams=20, connections=1, warm_up=True) as pool:
            results = await asyncio.gather(*post(pool, server, 20))
        assert {type(result) for result in results} == {Answered}
        assert server.connections == 1
