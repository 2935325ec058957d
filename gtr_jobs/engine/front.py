"""Where in a queue a worker begins to look for jobs.

What was claimed and ended stays in the indexes until no transaction can see it any more. As long as
somebody keeps one open, such dead entries pile up at the start of the queue, and every claim that begins
there steps over all of them. A worker that finds its claims slow begins behind what it has claimed, and
looks at the whole queue now and then only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# A claim that takes so much longer than the quickest, which the network costs anyway, steps over something.
SLOW_SECONDS = 0.02
_TIMES_THE_QUICKEST = 3.0
# What was quickest counts less with every claim: the network may have changed.
_FORGET = 1.01
# A job that was committed behind the front is found by the next look at the whole queue. Such looks take
# at most a tenth of the time.
WHOLE_LOOK_SECONDS = 1.0
_SHARE = 10.0
# Numbers are given before the commit: a smaller one may come a little later.
LATE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Start:
    """Behind which jobs to begin.

    Args:
        ready: Number of the last job that was claimed, by priority.
        due: When the last scheduled job that was claimed was due.
    """

    ready: dict[int, int] = field(default_factory=dict)
    due: datetime | None = None

    def advance(self, claimed: Iterable[tuple[Any, ...]]) -> Start:
        """Move behind claimed jobs: rows that begin with priority, when it was due, and number."""
        ready, due = dict(self.ready), self.due
        for priority, due_at, job_id, *_ in claimed:
            if due_at is None:
                ready[priority] = max(job_id, ready.get(priority, 0))
            elif due is None or due_at > due:
                due = due_at
        return Start(ready, due)


class Front:
    """How far one worker came in one queue."""

    def __init__(self) -> None:
        self._is_slow = False
        self._whole_look_at = 0.0
        self._began_at = 0.0
        self._looked_at_whole = True
        self._quickest = float("inf")
        # As it is now, as it was a little ago, and as it was long enough ago that nobody comes late.
        self._latest = self._aging = self._settled = Start()
        self._aging_since = 0.0

    def begin(self) -> Start | None:
        """Say where to begin; None is the start of the queue."""
        self._began_at = time.monotonic()
        self._looked_at_whole = not self._is_slow or self._began_at >= self._whole_look_at
        if self._looked_at_whole:
            return None
        if self._began_at - self._aging_since >= LATE_SECONDS:
            self._settled, self._aging = self._aging, self._latest
            self._aging_since = self._began_at
        # Before anything is settled there is nothing to begin behind.
        self._looked_at_whole = not self._settled.ready
        return None if self._looked_at_whole else self._settled

    def end(self, claimed: Sequence[tuple[Any, ...]]) -> None:
        """Take note of the rows that the claim brought (see `Start.advance`), and of how long it took."""
        now = time.monotonic()
        seconds = now - self._began_at
        self._quickest = min(self._quickest * _FORGET, seconds)
        if self._looked_at_whole:
            is_slow = seconds > SLOW_SECONDS + _TIMES_THE_QUICKEST * self._quickest
            if is_slow and not self._is_slow:
                self._latest = self._aging = Start().advance(claimed)
                self._settled, self._aging_since = Start(), now
            self._is_slow = is_slow
            self._whole_look_at = now + max(WHOLE_LOOK_SECONDS, seconds * _SHARE)
        if self._is_slow:
            self._latest = self._latest.advance(claimed)
