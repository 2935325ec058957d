"""How a job ends, from how its attempts ended."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from gtr_jobs.domain.backoff import retry_delay
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
from gtr_jobs.engine.job import Die, Done, Job, JobEnd, TryAgain

# How long a job waits for an operator to mend keys or settings before it asks again.
MISCONFIGURED_SECONDS = 60.0
# Attempts that are not used up let no backoff grow: a provider in trouble is left alone so long at least.
IN_TROUBLE_SECONDS = 15.0


class Attempted(NamedTuple):
    """One attempt: who was asked and how it ended."""

    provider: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Open:
    """What is left to do for one attempt."""

    minimum_delay: float | None
    uses_attempt: bool


def end_after(job: Job, attempts: Sequence[Attempted]) -> JobEnd:
    """Decide how a job ends: again while anything is open, dead when it may not try again.

    A pause that a provider asks for, settings that are wrong and a provider in trouble use no
    attempt: the job's time to live bounds those. A message that a provider refuses for good makes the job dead, so that an
    operator sees it.
    """
    still_open = [
        (attempted, work)
        for attempted in attempts
        if (work := _open_work(attempted.outcome)) is not None
    ]
    if not still_open:
        refused = [one for one in attempts if isinstance(one.outcome, Rejected)]
        return _die(refused[0]) if refused else Done()
    uses_attempt = any(work.uses_attempt for _, work in still_open)
    if uses_attempt and job.attempts + 1 >= job.max_attempts:
        return _die(next(one for one, work in still_open if work.uses_attempt))
    minimums = [work.minimum_delay for _, work in still_open if work.minimum_delay is not None]
    # Who waits for a provider, and is not to blame, need not wait longer each time.
    attempt = job.attempts + 1 if uses_attempt else 1
    delay = retry_delay(attempt, max(minimums, default=None), random.random)
    return TryAgain(delay=delay, uses_attempt=uses_attempt)


def end_after_fault(job: Job, error: Exception) -> JobEnd:
    """Decide how a job ends whose handler failed; the error's text may hold content and is not kept."""
    name = type(error).__name__
    if job.attempts + 1 >= job.max_attempts:
        return Die(code=name, error=f"the handler failed with {name} in every attempt")
    return TryAgain(delay=retry_delay(job.attempts + 1, None, random.random), uses_attempt=True)


def _open_work(outcome: Outcome) -> _Open | None:
    match outcome:
        case Accepted() | Rejected() | DeadTarget() | Skipped() | Expired():
            return None
        case Retry(retry_after=retry_after, in_trouble=in_trouble):
            return _Open(_not_at_once(retry_after, in_trouble), uses_attempt=not in_trouble)
        case Ambiguous(in_trouble=in_trouble):
            return _Open(_not_at_once(None, in_trouble), uses_attempt=not in_trouble)
        case Throttled(retry_after=retry_after):
            return _Open(retry_after, uses_attempt=False)
        case Misconfigured():
            return _Open(MISCONFIGURED_SECONDS, uses_attempt=False)
        case _:
            assert_never(outcome)


def _not_at_once(minimum: float | None, in_trouble: bool) -> float | None:
    return max(minimum or 0.0, IN_TROUBLE_SECONDS) if in_trouble else minimum


def _die(attempted: Attempted) -> Die:
    outcome = attempted.outcome
    match outcome:
        case Rejected(code=code, detail=detail):
            error = f"{attempted.provider} refuses the message for good" + (
                f": {detail}" if detail else ""
            )
            return Die(code, error, attempted.provider)
        case Retry(code=code) | Ambiguous(code=code):
            return Die(code, f"{attempted.provider} failed in every attempt", attempted.provider)
        case Throttled() | Misconfigured() | Accepted() | DeadTarget() | Skipped() | Expired():
            raise ValueError(f"no job dies of an attempt that ended as {outcome.name}")
        case _:
            assert_never(outcome)
