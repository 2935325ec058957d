"""How much a queue holds, as workers and operators read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much a queue holds; counts stop at 10,000."""

    queue: str
    ready: int
    scheduled: int
    doing: int
    dead: int
    oldest_due_seconds: float
