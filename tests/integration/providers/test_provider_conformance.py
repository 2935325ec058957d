"""Every provider, every answer and every accident: each ends as the right one of the outcomes."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from h2.errors import ErrorCodes
from support.answering_server import AnsweringServer
from support.answers import Action, Answer, Drop, GoAway, ResetStream, SeenRequest, Stall
from support.conformance import Case
from support.conformance_apns import APNS_CASES
from support.conformance_expo import EXPO_CASES
from support.conformance_fcm import FCM_CASES
from support.provider_benches import accept, open_bench
from support.pushes import NOW, make_message, make_push, make_token

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    Expired,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    outcome_code,
)
from gtr_jobs.domain.tokens import TokenKind, classify_token

KINDS: tuple[TokenKind, ...] = ("fcm", "apns", "expo")
HTTP2_KINDS: tuple[TokenKind, ...] = ("fcm", "apns")

# Accidents after the first byte may have left: the push may have been taken.
AMBIGUOUS: tuple[tuple[Action, Outcome], ...] = (
    (Drop(), Ambiguous("connection_lost")),
    (Drop(after_headers=True), Ambiguous("answer_broken")),
    (Stall(), Ambiguous("deadline")),
    (Stall(after_headers=True), Ambiguous("deadline")),
    (Answer(200, b"x" * (1024 * 1024 + 1)), Ambiguous("answer_too_large")),
)
AMBIGUOUS_ON_HTTP2: tuple[tuple[Action, Outcome], ...] = (
    (ResetStream(ErrorCodes.INTERNAL_ERROR), Ambiguous("reset")),
    (ResetStream(ErrorCodes.ENHANCE_YOUR_CALM), Ambiguous("reset")),
    (GoAway(processed=True), Ambiguous("connection_lost")),
    (GoAway(processed=True, code=ErrorCodes.ENHANCE_YOUR_CALM), Ambiguous("connection_lost")),
)
# Accidents that the server itself calls unprocessed.
UNSENT_ON_HTTP2: tuple[tuple[Action, Outcome], ...] = (
    (ResetStream(ErrorCodes.REFUSED_STREAM), Retry("refused_stream")),
    (GoAway(processed=False), Retry("goaway")),
    (GoAway(processed=False, code=ErrorCodes.ENHANCE_YOUR_CALM), Retry("goaway")),
)


@pytest.mark.parametrize("case", [*FCM_CASES, *APNS_CASES, *EXPO_CASES], ids=str)
async def test_every_answer_ends_as_its_outcome(
    answering_server: AnsweringServer, case: Case
) -> None:
    """A provider gives every answer of its table the outcome that the table says, and observes it."""
    async with open_bench(case.kind, answering_server) as bench:
        bench.always(case.action)
        assert await bench.send() == [case.outcome]
        assert bench.observed == [(case.kind, case.outcome.name)]


@pytest.mark.parametrize("case", [*FCM_CASES, *APNS_CASES, *EXPO_CASES], ids=str)
def test_no_outcome_says_more_than_a_code(case: Case) -> None:
    """What an answer quotes of a message or a token reaches neither code nor detail."""
    told = f"{outcome_code(case.outcome)} {getattr(case.outcome, 'detail', '')}"
    assert "words" not in told
    assert make_token(case.kind) not in told
    assert re.fullmatch(r"[A-Za-z0-9_.-]*", outcome_code(case.outcome))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("action", "outcome"), AMBIGUOUS, ids=repr)
async def test_an_accident_after_the_first_byte_is_ambiguous_and_sent_once(
    answering_server: AnsweringServer, kind: TokenKind, action: Action, outcome: Outcome
) -> None:
    """A push that may have been taken is not sent again by anything underneath."""
    async with open_bench(kind, answering_server, deadline=1.0, connect_timeout=0.9) as bench:
        bench.always(action)
        assert await bench.send() == [outcome]
        assert len(bench.requests) == 1


@pytest.mark.parametrize("kind", HTTP2_KINDS)
@pytest.mark.parametrize(("action", "outcome"), AMBIGUOUS_ON_HTTP2, ids=repr)
async def test_a_stream_that_breaks_is_ambiguous_and_sent_once(
    answering_server: AnsweringServer, kind: TokenKind, action: Action, outcome: Outcome
) -> None:
    """A reset that does not say "refused", and a GOAWAY that counts us as processed, leave a doubt."""
    async with open_bench(kind, answering_server) as bench:
        bench.always(action)
        assert await bench.send() == [outcome]
        assert len(bench.requests) == 1


@pytest.mark.parametrize("kind", HTTP2_KINDS)
@pytest.mark.parametrize(("action", "outcome"), UNSENT_ON_HTTP2, ids=repr)
async def test_what_was_certainly_not_processed_is_retried(
    answering_server: AnsweringServer, kind: TokenKind, action: Action, outcome: Outcome
) -> None:
    """REFUSED_STREAM and a GOAWAY beyond us are no doubt: the push is tried again later."""
    async with open_bench(kind, answering_server) as bench:
        bench.always(action)
        assert await bench.send() == [outcome]
        assert len(bench.requests) <= 3


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_is_away_means_a_retry(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """A refused connection has sent nothing."""
    async with open_bench(kind, answering_server) as bench:
        await bench.send()
        await answering_server.stop()
        # The first may still go out on the connection that was cut, before its end was seen: that one is in doubt.
        await bench.send()
        assert await bench.send() == [Retry("connect_failed")]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_goes_on_after_an_outage(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """When the server is back, so are the pushes, without anybody's help."""
    async with open_bench(kind, answering_server) as bench:
        await bench.send()
        await answering_server.stop()
        await bench.send()
        await answering_server.listen()
        assert [outcome.name for outcome in await bench.send()] == ["accepted"]


@pytest.mark.parametrize("kind", KINDS)
async def test_outcomes_come_in_the_order_of_the_pushes(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """However answers overtake each other, each outcome stands where its push stood."""
    last_may_go = asyncio.Event()
    pushes = [make_push(kind, number) for number in range(250)]

    def decide(request: SeenRequest) -> Action:
        if pushes[0].target.token.encode() in request.body + request.path.encode():
            answer = accept(request)
            return Answer(answer.status, answer.body, answer.headers, after=last_may_go)
        if pushes[249].target.token.encode() in request.body + request.path.encode():
            last_may_go.set()
        return accept(request)

    async with open_bench(kind, answering_server) as bench:
        await bench.send()
        bench.answer_with(decide)
        outcomes = await bench.provider.send(pushes)
    expected = {
        "fcm": [f"projects/gtr-test/messages/{push.target.token}" for push in pushes],
        "apns": [str(push.push_id) for push in pushes],
        "expo": [f"ticket-{push.target.token}" for push in pushes],
    }
    assert outcomes == [Accepted(provider_id) for provider_id in expected[kind]]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_has_expired_is_not_sent(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """A push past its time to live ends as expired, beside others that are sent."""
    old = make_push(kind, 1, make_message(expires_at=NOW))
    fresh = make_push(kind, 2, make_message(expires_at=NOW + timedelta(seconds=1)))
    async with open_bench(kind, answering_server) as bench:
        outcomes = await bench.provider.send([old, fresh])
        assert [outcome.name for outcome in outcomes] == ["expired", "accepted"]
        assert outcomes[0] == Expired()
        assert len(bench.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_text_that_is_no_text_spoils_only_itself(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """Half a surrogate pair cannot be written; the other pushes of the call still go out."""
    broken = make_push(kind, 1, make_message(title="half \ud83d"))
    async with open_bench(kind, answering_server) as bench:
        outcomes = await bench.provider.send([broken, make_push(kind, 2)])
        assert outcomes[0] == Rejected("text_invalid", "a text holds half of a surrogate pair")
        assert outcomes[1].name == "accepted"


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_to_send_needs_nobody(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """An empty call gives an empty answer."""
    async with open_bench(kind, answering_server) as bench:
        assert await bench.provider.send([]) == []
        assert bench.requests == []


@pytest.mark.parametrize("kind", KINDS)
async def test_an_untrusted_certificate_is_a_setting(
    answering_server: AnsweringServer, tmp_path: Path, kind: TokenKind
) -> None:
    """A server that nobody vouches for gets no push, and an operator is told where to look."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    async with (
        AnsweringServer(trustme.CA(), folder) as stranger,
        open_bench(kind, stranger, ca_file=answering_server.ca_file) as bench,
    ):
        (outcome,) = await bench.send()
        assert isinstance(outcome, Misconfigured)
        assert outcome.code == "tls_untrusted"
        assert "GTR_CA_FILE" in outcome.detail
        assert stranger.requests == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_closed_provider_sends_nothing(
    answering_server: AnsweringServer, kind: TokenKind
) -> None:
    """After close, pushes come back to be tried by another worker."""
    async with open_bench(kind, answering_server) as bench:
        await bench.send()
        await bench.provider.close()
        assert await bench.send() == [Retry("pool_closed")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tokens_of_these_tests_are_of_their_kind(kind: TokenKind) -> None:
    """What is sent here is what the app's tokens look like."""
    assert classify_token(make_token(kind)) == kind
