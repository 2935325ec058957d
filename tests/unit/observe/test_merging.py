"""One page of metrics of what several processes count."""

from __future__ import annotations

from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from gtr_jobs.observe.merging import GAUGES, MergedMetrics, read_families, render_all
from gtr_jobs.observe.metrics import Metrics


def _page(merged: MergedMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(render_all(merged).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def _process(claimed: int) -> Metrics:
    metrics = Metrics("1.0.0")
    metrics.jobs_claimed.labels("push").inc(claimed)
    return metrics


def test_every_gauge_says_what_it_says_of_the_whole() -> None:
    """One that is not in the table would be added up, whatever it is."""
    gauges = {one._name for one in vars(Metrics("0")).values() if isinstance(one, Gauge)}
    assert set(GAUGES) == gauges


def test_one_process_alone_has_the_page_that_it_would_have_by_itself() -> None:
    """Nothing is lost or renamed on the way through a parent."""
    metrics = _process(3)
    metrics.queue_wait.observe(("push", "message"), [0.2])
    metrics.triggers_missing.set(2)
    merged = MergedMetrics()
    merged.put(0, read_families(metrics.registry))

    assert render_all(merged) == metrics.render()


def test_counters_and_histograms_are_added_up() -> None:
    """Also where one process has a series that another lacks."""
    merged = MergedMetrics()
    first, second = _process(3), _process(4)
    second.jobs_claimed.labels("match").inc()
    for metrics, seconds in ((first, 0.2), (second, 0.3)):
        metrics.queue_wait.observe(("push", "message"), [seconds])
    for number, metrics in enumerate((first, second)):
        merged.put(number, read_families(metrics.registry))

    page = _page(merged)
    wait = (("kind", "message"), ("queue", "push"))
    assert page["gtr_jobs_claimed_total", (("queue", "push"),)] == 7
    assert page["gtr_jobs_claimed_total", (("queue", "match"),)] == 1
    assert page["gtr_job_queue_wait_seconds_count", wait] == 2
    assert page["gtr_job_queue_wait_seconds_sum", wait] == 0.5
    assert (
        page[
            "gtr_job_queue_wait_seconds_bucket",
            (("kind", "message"), ("le", "0.25"), ("queue", "push")),
        ]
        == 1
    )


def test_gauges_follow_their_rule() -> None:
    """Added up, the highest, or the lowest."""
    merged = MergedMetrics()
    for number in (1, 2):
        metrics = Metrics("1.0.0")
        metrics.worker_up.set(1)
        metrics.queue_oldest.labels("push").set(number)
        metrics.database_contact.set(100 * number)
        merged.put(number, read_families(metrics.registry))

    page = _page(merged)
    assert page["gtr_worker_up", ()] == 2
    assert page["gtr_queue_oldest_due_age_seconds", (("queue", "push"),)] == 2
    assert page["gtr_worker_last_db_roundtrip_timestamp_seconds", ()] == 100
    assert page["gtr_build_info", (("version", "1.0.0"),)] == 1


def test_what_an_ended_process_counted_stays_and_its_gauges_go() -> None:
    """Counters never go down, however often a process is started anew."""
    merged = MergedMetrics()
    for _ in range(3):
        metrics = _process(5)
        metrics.in_flight.labels("push").set(9)
        merged.put(0, read_families(metrics.registry))
        merged.end(0)
    merged.put(0, read_families(_process(1).registry))

    page = _page(merged)
    assert page["gtr_jobs_claimed_total", (("queue", "push"),)] == 16
    assert ("gtr_worker_inflight_jobs", (("queue", "push"),)) not in page


def test_a_process_that_ended_before_it_reported_leaves_nothing() -> None:
    """There is nothing to keep."""
    merged = MergedMetrics()
    merged.end(7)
    assert list(merged.collect()) == []
