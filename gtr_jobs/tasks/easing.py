"""Bulk kinds go slower when everybody's timers fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gtr_jobs.kinds.base import Kind
from gtr_jobs.tasks.holding import Sending

# Providers ask for less in the two minutes round every quarter of an hour.
_QUARTER_SECONDS = 15 * 60
_ROUND_SECONDS = 60
_EASED_WEIGHT = 4


def count_tokens(sendings: Sequence[Sending], kinds: Mapping[str, Kind[Any]], now: datetime) -> int:
    """Say how many tokens of a published rate pushes take: a bulk one four in the eased minutes."""
    past = now.timestamp() % _QUARTER_SECONDS
    if _ROUND_SECONDS <= past < _QUARTER_SECONDS - _ROUND_SECONDS:
        return len(sendings)
    return sum(
        _EASED_WEIGHT if is_bulk(kinds[envelope.job.kind]) else 1 for envelope, _, _ in sendings
    )


def is_bulk(kind: Kind[Any]) -> bool:
    """Whether one event of a kind tells many people, as its `is_bulk` says; none says no."""
    return bool(getattr(kind, "is_bulk", False))
