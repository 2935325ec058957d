"""What a worker tells of itself: health, readiness, metrics and warnings."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from asyncio import to_thread
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.people import send_message
from support.way import Way


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def _read(way_address: str, path: str) -> tuple[int, Any]:
    status, text = await to_thread(_get, way_address + path)
    return status, json.loads(text)


async def _metrics(address: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    _, text = await to_thread(_get, f"{address}/metrics")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_worker_is_healthy_and_ready(way: Way) -> None:
    """Both pages answer on loopback, and say what the worker does."""
    worker = await way.start_worker()
    started = await worker.wait_for_event("worker.started")
    address = started["http"]

    assert address.startswith("http://127.0.0.1:")
    assert await _read(address, "/healthz") == (200, {"status": "alive"})
    status, body = await _read(address, "/readyz")
    body.pop("seconds_since_database_answered")
    assert (status, body) == (
        200,
        {"status": "ready", "claiming": True, "stopping": False, "details": {}},
    )


async def test_metrics_count_what_was_sent(way: Way) -> None:
    """One accepted push shows in attempts, ends and waits, under bounded labels."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    chat = await way.add_conversation(mia, leo)
    worker = await way.start_worker()
    address = (await worker.wait_for_event("worker.started"))["http"]

    await send_message(way.connection, chat, mia.user_id, leo.user_id, "Hello")
    await way.wait_for_records(worker, 1, event="push.attempted")
    await way.wait_until_settled()
    metrics = await _metrics(address)

    push = (("kind", "message"), ("queue", "push"))
    assert (
        metrics[
            "gtr_delivery_attempts_total",
            (("app", "default"), ("outcome", "accepted"), ("provider", "apns")),
        ]
        == 1
    )
    assert metrics["gtr_jobs_ended_total", (("end", "done"), *push)] == 1
    assert metrics["gtr_job_queue_wait_seconds_count", push] == 1
    assert (
        metrics[
            "gtr_provider_request_duration_seconds_count",
            (("app", "default"), ("provider", "apns")),
        ]
        == 1
    )
    assert metrics["gtr_worker_up", ()] == 1
    assert metrics["gtr_worker_inflight_jobs", (("queue", "push"),)] == 0
    assert len(metrics) < 500


async def test_a_table_without_its_trigger_is_told_everywhere(way: Way) -> None:
    """A trigger that was disabled shows in the log, in the metric and in readyz."""
    await way.connection.execute(
        "alter table public.messages disable trigger gtr_jobs_messages_insert"
    )
    worker = await way.start_worker()
    address = (await worker.wait_for_event("worker.started"))["http"]
    warning = await worker.wait_for_event("database.triggers_missing")

    missing = ["public.messages has no trigger gtr_jobs_messages_insert"]
    assert (warning["missing"], warning["hint"]) == (missing, "run gtr-jobs db migrate")
    _, body = await _read(address, "/readyz")
    assert body["details"] == {"triggers": missing}
    assert (await _metrics(address))["gtr_triggers_missing", ()] == 1
