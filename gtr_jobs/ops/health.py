"""Whether a worker is alive and ready, and what an operator should look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# A worker beats every five seconds: one whose database is silent for so long does not work.
SILENT_AFTER_SECONDS = 20.0


@dataclass(slots=True)
class Health:
    """What the loops of one daemon last said of themselves.

    Args:
        seconds_since_answer: How long ago the database last answered.
        is_claiming: The lanes claim jobs.
        is_stopping: The daemon was told to stop.
        details: What is not as it should be, and does not keep the worker from working.
    """

    seconds_since_answer: Callable[[], float]
    is_claiming: bool = False
    is_stopping: bool = False
    details: dict[str, list[str]] = field(default_factory=dict)

    def is_ready(self) -> bool:
        """Whether it claims jobs and its database answers."""
        return (
            self.is_claiming
            and not self.is_stopping
            and self.seconds_since_answer() < SILENT_AFTER_SECONDS
        )
