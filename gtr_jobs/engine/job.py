"""A claimed job, and how it can leave its worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2s
from typing import Any, NamedTuple


class Job(NamedTuple):
    """One claim of one job.

    Args:
        job_id: The row of the queue.
        queue: Where it was claimed from.
        kind: What is to be done.
        args: Ids of what it is about; never content.
        attempts: Attempts that were used before this one.
        max_attempts: After so many it is dead.
        claim_number: Fences this claim: what is brought under an older number is refused.
        lost_claims: Earlier claims whose end nobody knows; what they sent may be sent again.
        event_day: UTC day of the event that caused it: the ledger's partition.
        trace_id: Names the way from the app's row to the provider's answer (W3C trace id).
        age_seconds: Since it was enqueued, by the clock of the database, when it was claimed.
        waited_seconds: Since it was due, likewise.
        claimed_at: This process's monotonic clock, when it was claimed.
    """

    job_id: int
    queue: str
    kind: str
    args: Mapping[str, Any]
    attempts: int
    max_attempts: int
    claim_number: int
    lost_claims: int
    event_day: date
    trace_id: str
    age_seconds: float
    waited_seconds: float
    claimed_at: float

    @property
    def runs_again(self) -> bool:
        """Whether an earlier claim may have sent something."""
        return self.claim_number > 1

    @property
    def claim(self) -> tuple[int, int]:
        """Name this claim among all claims of all jobs."""
        return self.job_id, self.claim_number

    def age(self) -> float:
        """Seconds since it was enqueued, now."""
        return self.age_seconds + time.monotonic() - self.claimed_at


@dataclass(frozen=True, slots=True)
class Done:
    """It leaves the queue."""


DONE = Done()


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It goes back, to run again later.

    Args:
        delay: Seconds until then.
        uses_attempt: Whether this run counts; a pause that a provider asks for does not.
    """

    delay: float
    uses_attempt: bool


@dataclass(frozen=True, slots=True)
class HandBack:
    """It goes back for another worker; this run does not count.

    Args:
        delay: Seconds until it may be claimed.
        was_maybe_sent: It was given up in the middle: what it sent may be sent again.
    """

    delay: float = 0.0
    was_maybe_sent: bool = False


@dataclass(frozen=True, slots=True)
class Die:
    """It leaves the queue for the list of the dead, which operators read.

    Args:
        code: Why, in one short code.
        error: Why, in a sentence without content.
        provider: Whose answer it was, if it was one.
    """

    code: str
    error: str
    provider: str = ""


JobEnd = Done | TryAgain | HandBack | Die


def fingerprint(job: Job, death: Die) -> str:
    """Name what jobs died of, so that those with the same fault stand together."""
    text = f"{job.queue}/{job.kind}/{death.provider}/{death.code}"
    return blake2s(text.encode(), digest_size=8).hexdigest()
