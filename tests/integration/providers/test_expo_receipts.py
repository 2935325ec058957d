"""Expo's receipts: every answer, how many are asked for at a time, and how a bad id is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest
from support.conformance_expo import expo_error
from support.conformance_receipts import RECEIPT_CASES, TICKET, TOKEN, ReceiptCase
from support.pushes import NOW

from gtr_jobs.domain.outcome import Accepted, Rejected, Retry
from gtr_jobs.domain.receipt import Missing, Told, Unread
from gtr_jobs.providers.base import ReceiptSource
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.expo import ExpoProvider


@pytest.fixture
async def expo(answering_server: AnsweringServer) -> AsyncIterator[ExpoProvider]:
    """Expo, with an access token."""
    options = HttpOptions(ca_file=answering_server.ca_file, deadline=1.0, connect_timeout=0.9)
    provider = ExpoProvider("secret-1", answering_server.url, options, now=lambda: NOW)
    yield provider
    await provider.close()


def _answer_all(request: SeenRequest) -> Action:
    return Answer(200, {"data": {each: {"status": "ok"} for each in request.json()["ids"]}})


@pytest.mark.parametrize("case", RECEIPT_CASES, ids=str)
async def test_every_answer_means_what_the_table_says(
    answering_server: AnsweringServer, expo: ExpoProvider, case: ReceiptCase
) -> None:
    """For the one ticket that is asked for; none of it is an exception."""
    answering_server.answer(case.action)
    assert await expo.read_receipts([TICKET]) == {TICKET: case.receipt}


@pytest.mark.parametrize("case", RECEIPT_CASES, ids=str)
def test_no_receipt_says_more_than_a_code(case: ReceiptCase) -> None:
    """What an answer quotes of a message or a token goes nowhere."""
    assert "words" not in repr(case.receipt)
    assert TOKEN not in repr(case.receipt)


async def test_receipts_are_asked_for_as_expo_wants_it(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """Path and body are those of Expo's SDK, and the access token is that of sending."""
    answering_server.answer_with(_answer_all)
    await expo.read_receipts(["a", "b"])
    (request,) = answering_server.requests
    assert (request.method, request.path) == ("POST", "/--/api/v2/push/getReceipts")
    assert request.headers["authorization"] == "Bearer secret-1"
    assert request.json() == {"ids": ["a", "b"]}


async def test_expo_is_a_source_of_receipts_and_needs_nobody_for_none(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """The lane finds out by asking; nothing to ask for is no request."""
    assert isinstance(expo, ReceiptSource)
    assert await expo.read_receipts([]) == {}
    assert answering_server.requests == []


async def test_three_hundred_go_in_one_request_and_six_requests_at_a_time(
    answering_server: AnsweringServer,
) -> None:
    """And the rest in the next."""
    held = asyncio.Event()

    def decide(request: SeenRequest) -> Action:
        data = {each: {"status": "ok"} for each in request.json()["ids"]}
        return Answer(200, {"data": data}, after=held)

    ids = [f"t-{n}" for n in range(2150)]
    options = HttpOptions(ca_file=answering_server.ca_file)
    provider = ExpoProvider(None, answering_server.url, options, now=lambda: NOW)
    answering_server.answer_with(decide)
    asking = asyncio.create_task(provider.read_receipts(ids))
    await answering_server.saw(6)
    assert answering_server.connections == 6
    held.set()
    assert await asking == {each: Told(Accepted(each)) for each in ids}
    sizes = sorted(len(request.json()["ids"]) for request in answering_server.requests)
    assert sizes == [50] + [300] * 7
    await provider.close()


async def test_too_many_are_asked_for_in_smaller_parts(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """Where Expo takes fewer at a time than it said."""

    def decide(request: SeenRequest) -> Action:
        too_many = len(request.json()["ids"]) > 80
        return expo_error(400, "PUSH_TOO_MANY_RECEIPTS") if too_many else _answer_all(request)

    ids = [f"t-{n}" for n in range(300)]
    answering_server.answer_with(decide)
    assert await expo.read_receipts(ids) == {each: Told(Accepted(each)) for each in ids}
    assert [len(request.json()["ids"]) for request in answering_server.requests] == [
        300, 150, 75, 75, 150, 75, 75,
    ]  # fmt: skip


async def test_an_id_that_expo_does_not_take_keeps_no_other_from_its_receipt(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """It is found by halving, and has no receipt; the others have theirs."""

    def decide(request: SeenRequest) -> Action:
        is_bad = "t-77" in request.json()["ids"]
        return expo_error(400, "VALIDATION_ERROR") if is_bad else _answer_all(request)

    ids = [f"t-{n}" for n in range(300)]
    answering_server.answer_with(decide)
    expected = {each: Told(Accepted(each)) for each in ids} | {"t-77": Missing()}
    assert await expo.read_receipts(ids) == expected
    assert len(answering_server.requests) <= 19


async def test_a_service_that_refuses_everything_is_not_asked_for_ever(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """Halving has an end; what it did not reach is unread, and nothing is lost."""
    answering_server.answer(expo_error(400, "VALIDATION_ERROR"))
    read = await expo.read_receipts([f"t-{n}" for n in range(300)])
    assert len(read) == 300
    assert set(read.values()) == {
        Missing(),
        Unread(Rejected("VALIDATION_ERROR")),
    }
    assert len(answering_server.requests) <= 40 + 9


async def test_one_request_that_fails_spoils_no_other(
    answering_server: AnsweringServer, expo: ExpoProvider
) -> None:
    """The tickets of the others have their receipts."""

    def decide(request: SeenRequest) -> Action:
        return Answer(503) if "t-0" in request.json()["ids"] else _answer_all(request)

    ids = [f"t-{n}" for n in range(400)]
    answering_server.answer_with(decide)
    read = await expo.read_receipts(ids)
    assert [read[each] for each in ids[:300]] == [Unread(Retry("http_503"))] * 300
    assert [read[each] for each in ids[300:]] == [Told(Accepted(each)) for each in ids[300:]]
