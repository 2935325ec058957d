"""The histogram that takes many values at once shows what the library's own would."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gtr_jobs.observe.histogram import BatchHistogram

BUCKETS = (0.005, 1, 2.5, 60)
VALUES = [0.0, 0.005, 0.0051, 1.0, 2.5, 59.9, 60.0, 61.0, 1e9]


def _without_times(text: bytes) -> list[str]:
    return [line for line in text.decode().splitlines() if "_created" not in line]


def test_it_reads_as_the_librarys_own_does() -> None:
    """Bounds, sums and counts, of every label, on the line."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    batched = BatchHistogram("gtr_wait_seconds", "Waits", ["queue", "kind"], BUCKETS, ours)
    single = Histogram(
        "gtr_wait_seconds", "Waits", ["queue", "kind"], buckets=BUCKETS, registry=theirs
    )
    for kind, values in (("a", VALUES), ("b", VALUES[:2]), ("a", VALUES[3:])):
        batched.observe(("push", kind), values)
        for value in values:
            single.labels("push", kind).observe(value)
    assert _without_times(generate_latest(ours)) == _without_times(generate_latest(theirs))


def test_it_shows_nothing_before_it_counted_anything() -> None:
    """As the library's own: a name, and no sample."""
    registry = CollectorRegistry()
    BatchHistogram("gtr_wait_seconds", "Waits", ["queue"], BUCKETS, registry)
    assert _without_times(generate_latest(registry)) == [
        "# HELP gtr_wait_seconds Waits",
        "# TYPE gtr_wait_seconds histogram",
    ]
