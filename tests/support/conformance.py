"""A provider's answer and what it means: the tables that all providers are held to."""

from __future__ import annotations

from dataclasses import dataclass

from support.answers import Action

from gtr_jobs.domain.outcome import Outcome
from gtr_jobs.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class Case:
    """An answer and what it means.

    Args:
        kind: Whose answer.
        name: What the test is called.
        action: The answer, to every request.
        outcome: What it means for one push.
    """

    kind: TokenKind
    name: str
    action: Action
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"


# A `Retry-After` and the seconds that it asks for; None where it asks for nothing that makes sense.
# NOW is 2026-03-01 12:00:00.
RETRY_AFTERS: tuple[tuple[str, str, float | None], ...] = (
    ("seconds", "120", 120.0),
    ("date", "Sun, 01 Mar 2026 12:02:00 GMT", 120.0),
    ("date-past", "Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    ("zero", "0", 0.0),
    ("negative", "-5", None),
    ("huge", "99999999999999999999", 3600.0),
    ("junk", "soon, I hope", None),
)
