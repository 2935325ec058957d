"""What the HTTP pool says of an exchange that began: answered, broken, or refused unprocessed."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Drop, GoAway, ResetStream, Stall
from support.pools import post_once

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
        protocol, answering_server.ca_file, deadline=1.0, connect_timeout=0.9, streams=1
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
        (GoAway(processed=False, code=ErrorCodes.INTERNAL_ERROR), NotSent("goaway"), 3),
    ],
    ids=repr,
)
async def test_http2_says_whether_it_was_processed(
    answering_server: AnsweringServer, action: Action, expected: Result, most: int
) -> None:
    """Only what the server calls unprocessed is sent again, twice and no more."""
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


async def test_a_question_has_no_body_and_the_pools_headers(
    answering_server: AnsweringServer,
) -> None:
    """Over the same connections as what is posted."""
    options = HttpOptions("http1", answering_server.ca_file, streams=1)
    pool = HttpPool(options, {"x-pool": "1"})
    answering_server.answer(Answer(200, {"a": 1}))
    await pool.post(f"{answering_server.url}/one", b"{}")
    result = await pool.get(f"{answering_server.url}/two?x=y", [("x-own", "2")])
    await pool.close()
    assert isinstance(result, Answered)
    assert (result.status, result.body) == (200, b'{"a": 1}')
    _, request = answering_server.requests
    assert (request.method, request.path, request.body) == ("GET", "/two?x=y", b"")
    assert (request.headers["x-pool"], request.headers["x-own"]) == ("1", "2")
    assert answering_server.connections == 1


@pytest.mark.parametrize(("drops", "expected"), [(1, 200), (2, Broken("connection_lost"))])
async def test_a_question_is_asked_once_more_over_a_new_connection(
    answering_server: AnsweringServer, drops: int, expected: int | Broken
) -> None:
    """Where the one that rested was closed meanwhile; whoever asks twice changes nothing."""
    pool = HttpPool(HttpOptions("http1", answering_server.ca_file, streams=1))
    answering_server.answer(*[Drop()] * drops, Answer(200))
    result = await pool.get(answering_server.url)
    await pool.close()
    assert (result.status if isinstance(result, Answered) else result) == expected
    assert len(answering_server.requests) == 2
