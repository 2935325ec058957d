"""What Prometheus reads of the processes of one worker."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class ProcessMetrics:
    """The metrics of a parent, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.processes = Gauge("gtr_processes", "Worker processes that run", registry=self.registry)
        self.processes_ended = Counter(
            "gtr_processes_ended_total",
            "Worker processes that ended without being told to, by exit code; a signal is negative",
            ["exit_code"],
            registry=self.registry,
        )
