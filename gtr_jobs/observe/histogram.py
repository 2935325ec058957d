"""A histogram that takes many values at once: one by one they would cost more than the jobs themselves."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector


class BatchHistogram(Collector):
    """What prometheus_client's Histogram shows, filled by the batch.

    Args:
        name: The metric's name, with its unit.
        documentation: What it measures.
        labels: Names of its labels.
        buckets: Upper bounds, growing; one without a bound comes by itself.
        registry: Where it is shown.
    """

    _type = "histogram"

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labels)
        self._bounds = tuple(buckets)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        registry.register(self)

    def observe(self, labels: tuple[str, ...], values: Sequence[float]) -> None:
        """Count values, all under the same labels."""
        counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
        for value in values:
            counts[bisect_left(self._bounds, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + sum(values)

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Name what is collected, without values."""
        yield self._family()

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give what was counted."""
        family = self._family()
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for labels, counts in self._counts.items():
            buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
            family.add_metric(labels, buckets, self._sums[labels])
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
