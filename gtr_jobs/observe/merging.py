"""Makes one page of metrics of what several processes count.

Counters and histograms are added up, and those of processes that ended stay in the sum, so that it
never goes down. What a gauge says of the whole is in `GAUGES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypedDict

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Merge = Literal["sum", "max", "min"]

# What each gauge of one process says of all of them: added up, or the highest, or the lowest. What
# is read from the database is the same for all, and the highest is the newest that is bad.
GAUGES: Final[Mapping[str, Merge]] = {
    "gtr_build_info": "max",
    "gtr_worker_up": "sum",
    "gtr_worker_inflight_jobs": "sum",
    "gtr_provider_requests_in_flight": "sum",
    "gtr_provider_in_flight_limit": "sum",
    "gtr_provider_circuit_state": "max",
    "gtr_queue_depth": "max",
    "gtr_queue_oldest_due_age_seconds": "max",
    "gtr_triggers_missing": "max",
    "gtr_enqueue_errors_last_hour": "max",
    "gtr_switches_paused": "max",
    "gtr_delivery_unknown": "max",
    "gtr_spend_today": "max",
    "gtr_webhook_requests_in_flight": "sum",
    "gtr_db_oldest_transaction_seconds": "max",
    "gtr_queue_dead_rows": "max",
    "gtr_jobs_doing_unowned": "sum",
    "gtr_db_timeline_changed": "max",
    "gtr_db_foreign": "max",
    "gtr_worker_listening": "min",
    "gtr_worker_last_db_roundtrip_timestamp_seconds": "min",
}
# An app's own gauges, which are on no list of ours.
_OTHERS: Merge = "sum"
_BIRTH = "_created"

_Labels = tuple[tuple[str, str], ...]
_Key = tuple[str, _Labels]


class Family(TypedDict):
    """All series of one metric, as they travel from a process to its parent."""

    name: str
    documentation: str
    type: str
    samples: list[tuple[str, dict[str, str], float]]


def read_families(registry: CollectorRegistry) -> list[Family]:
    """Read what a process counts."""
    return [
        {
            "name": metric.name,
            "documentation": metric.documentation,
            "type": metric.type,
            "samples": [(one.name, dict(one.labels), one.value) for one in metric.samples],
        }
        for metric in registry.collect()
    ]


class _Sums:
    """Families added up, gauges by their rule."""

    def __init__(self) -> None:
        self.metrics: dict[str, tuple[str, str]] = {}
        self.values: dict[str, dict[_Key, float]] = {}

    def add(self, families: Iterable[Family], *, with_gauges: bool = True) -> None:
        for family in families:
            if family["type"] == "gauge" and not with_gauges:
                continue
            name = family["name"]
            self.metrics.setdefault(name, (family["documentation"], family["type"]))
            values = self.values.setdefault(name, {})
            for sample, labels, value in family["samples"]:
                key = (sample, tuple(sorted(labels.items())))
                known = values.get(key)
                values[key] = (
                    value if known is None else _merge(family["type"], sample, known, value)
                )

    def families(self) -> list[Family]:
        return [
            {
                "name": name,
                "documentation": documentation,
                "type": kind,
                "samples": [
                    (sample, dict(labels), value)
                    for (sample, labels), value in self.values[name].items()
                ],
            }
            for name, (documentation, kind) in self.metrics.items()
        ]


def _merge(kind: str, sample: str, known: float, value: float) -> float:
    if kind != "gauge":
        # When a series began is when the first of them did.
        return min(known, value) if sample.endswith(_BIRTH) else known + value
    match GAUGES.get(sample, _OTHERS):
        case "sum":
            return known + value
        case "max":
            return max(known, value)
        case "min":
            return min(known, value)


class MergedMetrics(Collector):
    """What all processes count, the ended ones included."""

    def __init__(self) -> None:
        self._ended = _Sums()
        self._living: dict[int, list[Family]] = {}

    def put(self, process: int, families: list[Family]) -> None:
        """Take what a living process counts, in place of what it counted before."""
        self._living[process] = families

    def end(self, process: int) -> None:
        """Keep what a process counted, now that it counts no more."""
        self._ended.add(self._living.pop(process, []), with_gauges=False)

    def collect(self) -> Iterable[Metric]:
        """Give the families of all together."""
        sums = _Sums()
        sums.add(self._ended.families())
        for families in self._living.values():
            sums.add(families)
        for family in sums.families():
            metric = Metric(family["name"], family["documentation"], family["type"])
            for sample, labels, value in family["samples"]:
                metric.add_sample(sample, labels, value)
            yield metric


def render_all(*collectors: Any) -> bytes:
    """Write what collectors give, one after another, in Prometheus' text format."""
    return b"".join(generate_latest(collector) for collector in collectors)
