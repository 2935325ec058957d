"""How the processes of one worker are, as its parent last heard of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from gtr_jobs.ops.health import SILENT_AFTER_SECONDS, Health

# A process reports every second: one that has said nothing for so long hangs, or the machine does.
SILENT_REPORT_SECONDS = 15.0

State = Literal["starting", "working", "stopping", "silent", "ended"]


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """How one process says that it is.

    Args:
        is_claiming: Its lanes claim jobs.
        is_stopping: It was told to stop.
        seconds_since_answer: How long ago the database last answered it.
        details: What an operator should look at.
    """

    is_claiming: bool
    is_stopping: bool
    seconds_since_answer: float
    details: dict[str, list[str]]


def health_of(health: Health) -> ProcessHealth:
    """Say how this process is."""
    return ProcessHealth(
        health.is_claiming,
        health.is_stopping,
        health.seconds_since_answer(),
        {name: list(lines) for name, lines in health.details.items()},
    )


@dataclass(slots=True)
class ProcessStatus:
    """What a parent knows of one of its processes; its number stays when it is started anew."""

    number: int
    pid: int | None = None
    health: ProcessHealth | None = None
    heard_at: float = field(default_factory=time.monotonic)
    restarts: int = 0

    def begin(self, pid: int) -> None:
        """Take note that it was started."""
        self.pid, self.health = pid, None

    def hear(self, health: ProcessHealth) -> None:
        """Take note of what it says."""
        self.health, self.heard_at = health, time.monotonic()

    def end(self) -> None:
        """Take note that it ended."""
        self.pid, self.health = None, None

    def seconds_since_answer(self) -> float | None:
        """Say how long ago the database last answered it, silence included; None before it works."""
        if self.health is None:
            return None
        return self.health.seconds_since_answer + time.monotonic() - self.heard_at

    def state(self) -> State:
        """Say in one word how it is."""
        if self.pid is None:
            return "ended"
        if self.health is None:
            return "starting"
        if time.monotonic() - self.heard_at > SILENT_REPORT_SECONDS:
            return "silent"
        return "stopping" if self.health.is_stopping else "working"

    def is_ready(self) -> bool:
        """Whether it claims jobs and its database answers."""
        silence = self.seconds_since_answer()
        return (
            self.state() == "working"
            and self.health is not None
            and self.health.is_claiming
            and silence is not None
            and silence < SILENT_AFTER_SECONDS
        )


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """The processes of one worker; every answer comes from memory, none asks a process."""

    statuses: tuple[ProcessStatus, ...]

    def is_ready(self) -> bool:
        """Whether all of them are."""
        return all(status.is_ready() for status in self.statuses)

    def describe(self) -> dict[str, Any]:
        """Say how the whole is, in the words of a single worker, and how each of them is."""
        heard = [status.health for status in self.statuses if status.health is not None]
        silences = [
            silence
            for status in self.statuses
            if (silence := status.seconds_since_answer()) is not None
        ]
        details: dict[str, list[str]] = {}
        for health in heard:
            for name, lines in health.details.items():
                known = details.setdefault(name, [])
                known.extend(line for line in lines if line not in known)
        return {
            "status": "ready" if self.is_ready() else "not ready",
            "claiming": len(heard) == len(self.statuses) and all(h.is_claiming for h in heard),
            "stopping": any(health.is_stopping for health in heard),
            "seconds_since_database_answered": round(max(silences), 1) if silences else None,
            "details": details,
            "processes": [
                {
                    "process": status.number,
                    "pid": status.pid,
                    "state": status.state(),
                    "restarts": status.restarts,
                }
                for status in self.statuses
            ],
        }
