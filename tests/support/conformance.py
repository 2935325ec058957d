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
