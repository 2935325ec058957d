"""Scripts answer exactly the requests that they name."""

from __future__ import annotations

import asyncio

import pytest

from gtr_jobs.dev.standins.exchange import Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.script import (
    ACCEPT,
    FOR_EVER,
    Accept,
    AfterAccepting,
    AnswerSequence,
    Fail,
    Script,
    ScriptedAnswer,
    Slow,
)
from gtr_jobs.dev.standins.script_json import read_answer

BUSY = Fail(503, "UNAVAILABLE")
GONE = Fail(404, "UNREGISTERED")


def take(sequence: AnswerSequence, count: int) -> list[ScriptedAnswer]:
    """Take the next answers."""
    return [sequence.take() for _ in range(count)]


def test_without_a_script_everything_is_accepted() -> None:
    """A new script answers normally."""
    script = Script()

    assert [script.take_for("a"), script.take(), script.is_used_up] == [ACCEPT, ACCEPT, True]


def test_answers_go_to_the_next_requests_in_order() -> None:
    """Each answer is given once, and afterwards all is well."""
    script = Script()
    script.add(BUSY, GONE)

    assert take(script, 4) == [BUSY, GONE, ACCEPT, ACCEPT]


def test_answers_can_be_repeated_and_put_off() -> None:
    """`times` goes through the answers again, `skip` lets requests pass first."""
    script = Script()
    script.add(BUSY, GONE, times=2, skip=1)

    assert take(script, 6) == [ACCEPT, BUSY, GONE, BUSY, GONE, ACCEPT]


def test_later_additions_wait_for_their_turn() -> None:
    """What is added comes after what is scripted already."""
    script = Script()
    script.add(BUSY, times=2)
    script.add(GONE, skip=1)

    assert take(script, 5) == [BUSY, BUSY, ACCEPT, GONE, ACCEPT]


def test_an_answer_can_stay_for_ever_until_it_is_cleared() -> None:
    """FOR_EVER goes on until the script is cleared."""
    script = Script()
    script.add(GONE)
    script.add(BUSY, times=FOR_EVER)

    assert take(script, 4) == [GONE, BUSY, BUSY, BUSY]
    script.clear()
    assert take(script, 1) == [ACCEPT]


def test_a_token_uses_its_own_answers_first() -> None:
    """A token's answers are its own, and its requests are not counted by the general ones."""
    script = Script()
    script.add(BUSY)
    script.for_token("a").add(GONE)

    taken = [script.take_for(token) for token in ("a", "b", "a", "b")]

    assert taken == [GONE, BUSY, ACCEPT, ACCEPT]


def test_clearing_takes_the_tokens_along() -> None:
    """A cleared script has nothing for any token."""
    script = Script()
    script.for_token("a").add(GONE, times=FOR_EVER)
    script.clear()

    assert (script.take_own("a"), script.take_for("a")) == (None, ACCEPT)


@pytest.mark.parametrize("times", [0, -2])
def test_nothing_cannot_be_scripted(times: int) -> None:
    """No answers, no times or a negative start are mistakes, not scripts."""
    script = Script()
    with pytest.raises(ValueError, match="needs answers"):
        script.add(BUSY, times=times)
    with pytest.raises(ValueError, match="needs answers"):
        script.add()
    with pytest.raises(ValueError, match="needs answers"):
        script.add(BUSY, skip=-1)


def test_nothing_comes_after_for_ever() -> None:
    """Only one answer can stay for ever, and nothing can follow it."""
    script = Script()
    with pytest.raises(ValueError, match="single answer"):
        script.add(BUSY, GONE, times=FOR_EVER)
    script.add(BUSY, times=FOR_EVER)
    with pytest.raises(ValueError, match="for ever already"):
        script.add(GONE)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ({"answer": "accept"}, Accept()),
        ({"answer": "fail", "status": 503, "reason": "UNAVAILABLE"}, BUSY),
        (
            {
                "answer": "fail",
                "status": 429,
                "reason": "QUOTA_EXCEEDED",
                "headers": {"retry-after": "7"},
                "details": {"a": 1},
            },
            Fail(429, "QUOTA_EXCEEDED", {"retry-after": "7"}, {"a": 1}),
        ),
        ({"answer": "respond", "status": 502, "body": "<html>"}, Respond(502, b"<html>", {})),
        ({"answer": "slow", "seconds": 0.5}, Slow(0.5)),
        ({"answer": "slow", "seconds": 1, "then": {"answer": "stall"}}, Slow(1, Stall())),
        (
            {"answer": "after_accepting", "then": {"answer": "disconnect"}},
            AfterAccepting(Disconnect()),
        ),
        ({"answer": "reset"}, Reset()),
        ({"answer": "reset", "code": 8}, Reset(8)),
        ({"answer": "go_away"}, GoAway()),
        ({"answer": "go_away", "last_stream_id": "this", "code": 11}, GoAway("this", 11)),
        ({"answer": "go_away", "last_stream_id": 5}, GoAway(5)),
        ({"answer": "stall"}, Stall()),
    ],
)
def test_answers_can_be_written_as_json(value: dict[str, object], answer: ScriptedAnswer) -> None:
    """Another process can script every answer."""
    assert read_answer(value) == answer


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"answer": "sleep"}, "unknown answer 'sleep'; known are accept, fail"),
        ({}, "unknown answer None"),
        ({"answer": "fail", "status": 503}, "the answer 'fail' needs 'reason'"),
        ({"answer": "after_accepting"}, "the answer 'after_accepting' needs 'then'"),
        ({"answer": "slow", "seconds": "soon"}, "could not convert string to float"),
    ],
)
def test_json_that_is_no_answer_is_refused(value: dict[str, object], complaint: str) -> None:
    """A mistake in a script is told in words."""
    with pytest.raises(ValueError, match=complaint):
        read_answer(value)


async def test_whoever_waits_hears_that_the_last_answer_was_given() -> None:
    """What a test does next may depend on the request having come."""
    script = Script()
    await script.wait_until_used_up(0)
    script.add(BUSY, times=2)
    script.take()
    with pytest.raises(TimeoutError):
        await script.wait_until_used_up(0)
    waiting = asyncio.create_task(script.wait_until_used_up())
    script.take()
    await waiting
    script.add(Stall(), times=FOR_EVER)
    script.clear()
    await script.wait_until_used_up(0)
