"""How a job ends, from how its attempts ended."""

from __future__ import annotations

import time
from datetime import date

import pytest

from gtr_jobs.domain.backoff import BASE_SECONDS
from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Expired,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Skipped,
    Throttled,
)
from gtr_jobs.engine.job import Die, Done, Job, TryAgain, fingerprint
from gtr_jobs.engine.retry import (
    IN_TROUBLE_SECONDS,
    MISCONFIGURED_SECONDS,
    Attempted,
    end_after,
    end_after_fault,
)

LAST = 7
SETTLED: list[Outcome] = [Accepted("a"), DeadTarget("Gone"), Skipped("no_device"), Expired()]
# What is still open: whether it uses an attempt, and the least that it waits.
OPEN: list[tuple[Outcome, bool, float]] = [
    (Retry("503"), True, 0.0),
    (Retry("503", 30.0), True, 30.0),
    (Ambiguous("reset"), True, 0.0),
    (Throttled("429", 20.0), False, 20.0),
    (Misconfigured("BadKey"), False, MISCONFIGURED_SECONDS),
]


def _job(attempts: int = 0) -> Job:
    return Job(
        job_id=1,
        queue="push",
        kind="message",
        args={},
        attempts=attempts,
        max_attempts=LAST + 1,
        claim_number=1,
        lost_claims=0,
        event_day=date(2026, 3, 1),
        trace_id="a" * 32,
        age_seconds=0.0,
        waited_seconds=0.0,
        claimed_at=time.monotonic(),
    )


def _attempts(*outcomes: Outcome) -> list[Attempted]:
    return [Attempted("fcm", outcome) for outcome in outcomes]


@pytest.fixture(autouse=True)
def _without_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jitter adds nothing."""
    monkeypatch.setattr("random.random", lambda: 0.0)


@pytest.mark.parametrize("attempts", [0, LAST, LAST + 5])
@pytest.mark.parametrize("outcome", SETTLED, ids=lambda outcome: outcome.name)
def test_a_job_whose_receivers_are_settled_is_done(outcome: Outcome, attempts: int) -> None:
    """Sent, gone, skipped or too old: there is nothing left to do."""
    assert end_after(_job(attempts), _attempts(outcome, outcome)) == Done()


def test_a_job_without_receivers_is_done() -> None:
    """All were settled by an earlier run."""
    assert end_after(_job(), []) == Done()


@pytest.mark.parametrize("attempts", [0, LAST - 1])
@pytest.mark.parametrize(("outcome", "uses_attempt", "delay"), OPEN)
def test_a_job_with_something_open_runs_again(
    outcome: Outcome, uses_attempt: bool, delay: float, attempts: int
) -> None:
    """Whatever else was settled; a pause that was asked for, and wrong settings, use no attempt."""
    end = end_after(_job(attempts), _attempts(*SETTLED, outcome, Rejected("BadTopic")))
    assert end == TryAgain(delay=delay, uses_attempt=uses_attempt)


@pytest.mark.parametrize("outcome", [Throttled("429", 20.0), Misconfigured("BadKey")])
def test_what_uses_no_attempt_ends_no_job(outcome: Outcome) -> None:
    """Its time to live does."""
    assert isinstance(end_after(_job(LAST), _attempts(outcome)), TryAgain)


@pytest.mark.parametrize("outcome", [Retry("503"), Ambiguous("503")])
def test_a_job_is_dead_after_its_last_attempt(outcome: Outcome) -> None:
    """With the code of what it failed of, whatever else is open or settled."""
    attempts = _attempts(Accepted("a"), Throttled("429", 20.0), outcome)
    assert end_after(_job(LAST), attempts) == Die(
        "503", "fcm failed in every attempt", provider="fcm"
    )


@pytest.mark.parametrize(
    ("detail", "error"),
    [
        ("", "fcm refuses the message for good"),
        ("the topic", "fcm refuses the message for good: the topic"),
    ],
)
def test_a_message_that_is_refused_for_good_is_a_dead_job(detail: str, error: str) -> None:
    """An operator sees it: somebody has to mend something."""
    attempts = _attempts(Accepted("a"), Rejected("BadTopic", detail), Rejected("Other"))
    assert end_after(_job(), attempts) == Die("BadTopic", error, provider="fcm")


def test_the_longest_wait_that_is_asked_for_counts() -> None:
    """Nobody is asked before their time."""
    attempts = _attempts(Throttled("429", 20.0), Retry("503", 40.0), Throttled("429", 30.0))
    assert end_after(_job(), attempts) == TryAgain(delay=40.0, uses_attempt=True)


def test_waits_grow_with_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to their ceiling, for providers and for handlers alike."""
    monkeypatch.setattr("random.random", lambda: 1.0)
    for attempts in range(LAST):
        job, ceiling = _job(attempts), BASE_SECONDS * 2**attempts
        assert end_after(job, _attempts(Retry("503"))) == TryAgain(ceiling, uses_attempt=True)
        assert end_after_fault(job, ValueError()) == TryAgain(ceiling, uses_attempt=True)


def test_a_handler_that_fails_keeps_the_errors_text_to_itself() -> None:
    """Its name is enough; its text may be content."""
    end = end_after_fault(_job(LAST), ValueError("canary-7f3a"))
    assert end == Die("ValueError", "the handler failed with ValueError in every attempt")


def test_jobs_that_died_of_the_same_fault_have_the_same_fingerprint() -> None:
    """And others another: by queue, kind, provider and code, and by nothing else."""
    job, death = _job(), Die("BadTopic", "refused", "apns")
    assert fingerprint(job, death) == fingerprint(
        _job(3), Die("BadTopic", "in other words", "apns")
    )
    others = {
        fingerprint(job, Die("Other", "refused", "apns")),
        fingerprint(job, Die("BadTopic", "refused", "fcm")),
        fingerprint(job, death),
    }
    assert len(others) == 3
    assert {len(name) for name in others} == {16}


@pytest.mark.parametrize(
    "outcome", [Retry("503", 30.0, in_trouble=True), Ambiguous("deadline", in_trouble=True)]
)
def test_a_provider_in_trouble_uses_no_attempt(outcome: Outcome) -> None:
    """However often, so that a storm loses nothing; and it is not asked again at once."""
    end = end_after(_job(LAST), _attempts(outcome))
    assert isinstance(end, TryAgain)
    assert not end.uses_attempt
    assert end.delay >= IN_TROUBLE_SECONDS
