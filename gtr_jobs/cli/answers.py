"""How a command ends that asked providers."""

from __future__ import annotations

from collections.abc import Collection

import typer

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import (
    Accepted,
    DeadTarget,
    Expired,
    Misconfigured,
    Outcome,
    Rejected,
    Skipped,
)

REFUSED = 1


def end_as_worst(outcomes: Collection[Outcome]) -> None:
    """Exit as the worst of the answers wants it; return where all were accepted."""
    if any(isinstance(outcome, Misconfigured) for outcome in outcomes):
        raise typer.Exit(ConfigurationError.exit_code)
    if any(isinstance(outcome, Rejected | DeadTarget | Expired | Skipped) for outcome in outcomes):
        raise typer.Exit(REFUSED)
    if any(not isinstance(outcome, Accepted) for outcome in outcomes):
        raise typer.Exit(TryAgainError.exit_code)
