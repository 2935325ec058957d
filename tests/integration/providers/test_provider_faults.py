"""Faults of a provider, each by its number in the fault matrix: what a batch ends as, and what is spared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, SeenRequest
from support.conformance import RETRY_AFTERS
from support.conformance_apns import apns_error, milliseconds
from support.conformance_expo import refused, tickets
from support.conformance_fcm import fcm_error
from support.provider_benches import accept, open_bench

from gtr_jobs.domain.outcome import DeadTarget, Misconfigured, Throttled
from gtr_jobs.domain.tokens import TokenKind

MALFORMED = (
    Answer(200, b"<html>", {"content-type": "text/html"}),
    Answer(200, b'{"name": "proj'),
    Answer(200, '{"name": "ü"}'.encode("utf-16")[:-1]),
    Answer(200, b""),
    Answer(201, b"{}"),
    Answer(204),
)


@pytest.mark.parametrize(("name", "value", "seconds"), RETRY_AFTERS)
async def test_fault_19_a_quota_is_a_pause_of_this_provider_alone(
    answering_server: AnsweringServer, name: str, value: str, seconds: float | None
) -> None:
    """Whatever form the pause has, it is at most an hour, a minute where it makes no sense, and nobody else's."""
    answer = fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", headers={"retry-after": value})
    async with open_bench("fcm", answering_server) as bench:
        bench.always(answer)
        expected = Throttled("QUOTA_EXCEEDED", 60.0 if seconds is None else seconds)
        assert await bench.send(3) == [expected] * 3, name
    async with open_bench("apns", answering_server) as bench:
        assert [outcome.name for outcome in await bench.send(3)] == ["accepted"] * 3


@pytest.mark.parametrize("kind", ["fcm", "expo"])
@pytest.mark.parametrize("answer", MALFORMED, ids=repr)
async def test_fault_24_an_acceptance_without_an_id_is_none(
    answering_server: AnsweringServer, kind: TokenKind, answer: Answer
) -> None:
    """It is in doubt, and neither repeated nor counted as taken."""
    async with open_bench(kind, answering_server) as bench:
        bench.always(answer)
        assert [outcome.name for outcome in await bench.send()] == ["ambiguous"]
        assert len(bench.requests) == 1


async def test_fault_26_a_refused_login_of_google_is_renewed_once(
    answering_server: AnsweringServer,
) -> None:
    """Then it is a setting: every push of the batch waits, and none asks Google again by itself."""
    async with open_bench("fcm", answering_server) as bench:
        bench.always(fcm_error(401, "UNAUTHENTICATED"))
        outcomes = await bench.send(20)
        assert {type(outcome) for outcome in outcomes} == {Misconfigured}
        assert len(bench.token_requests) == 2


async def test_fault_26_a_token_of_apple_is_signed_anew_once(
    answering_server: AnsweringServer,
) -> None:
    """However many pushes hear that it has expired."""
    async with open_bench("apns", answering_server) as bench:
        bench.always(apns_error(403, "ExpiredProviderToken"))
        outcomes = await bench.send(20)
        assert {type(outcome) for outcome in outcomes} == {Misconfigured}
        assert len({request.headers["authorization"] for request in bench.requests}) == 2


@pytest.mark.parametrize(
    ("kind", "answer", "code"),
    [
        ("fcm", fcm_error(404, "NOT_FOUND", "UNREGISTERED"), "UNREGISTERED"),
        (
            "apns",
            apns_error(410, "Unregistered", timestamp=milliseconds(timedelta(hours=1))),
            "Unregistered",
        ),
    ],
)
async def test_fault_27_devices_that_are_gone_are_ordinary_however_many(
    answering_server: AnsweringServer, kind: TokenKind, answer: Answer, code: str
) -> None:
    """All of a hundred may be gone, and all of them are given up."""
    async with open_bench(kind, answering_server) as bench:
        bench.always(answer)
        assert await bench.send(100) == [DeadTarget(code)] * 100


async def test_fault_27_an_expo_device_that_is_gone_is_given_up(
    answering_server: AnsweringServer,
) -> None:
    """By its ticket."""
    async with open_bench("expo", answering_server) as bench:
        bench.always(tickets(*[refused("DeviceNotRegistered")] * 100))
        assert await bench.send(100) == [DeadTarget("DeviceNotRegistered")] * 100


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("fcm", fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")),
        ("apns", apns_error(400, "DeviceTokenNotForTopic")),
        ("apns", apns_error(400, "BadDeviceToken")),
    ],
)
async def test_fault_27_a_burst_of_wrong_tokens_drops_none(
    answering_server: AnsweringServer, kind: TokenKind, answer: Answer
) -> None:
    """Four of ten among a hundred are a setting of ours, and the six that were taken were taken."""
    numbers = iter(range(10_000))

    def decide(request: SeenRequest) -> Action:
        return answer if next(numbers) % 10 < 4 else accept(request)

    async with open_bench(kind, answering_server) as bench:
        bench.answer_with(decide)
        names = [outcome.name for outcome in await bench.send(100)]
        assert names.count("misconfigured") == 40
        assert names.count("accepted") == 60
