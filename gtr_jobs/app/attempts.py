"""What providers were asked, and how it ended, becomes figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gtr_jobs.domain.outcome import OutcomeName
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import ObserveAttempts


def count_attempts(metrics: Metrics, app: str) -> ObserveAttempts:
    """Make what counts an app's attempts and their seconds, many at a time."""

    def observe(provider: str, attempts: Sequence[tuple[OutcomeName, float]]) -> None:
        for outcome, count in Counter(outcome for outcome, _ in attempts).items():
            metrics.delivery_attempts.labels(app, provider, outcome).inc(count)
        metrics.provider_seconds.observe((app, provider), [seconds for _, seconds in attempts])

    return observe
