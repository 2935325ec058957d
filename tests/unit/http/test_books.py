"""What is new goes to the database, once and not faster than it may."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from support.webhooks import PHONE, SID, RecordingReports

from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.page import RefusedError
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.observe.metrics import Metrics

REPORT = DeliveryReport("twilio", SID, UUID(int=1), "delivered")


def _make(rate: int = 100) -> tuple[Books, RecordingReports, Metrics]:
    reports, metrics = RecordingReports(), Metrics("0")
    return Books(reports, Decimal(rate), get_logger(), metrics), reports, metrics


async def test_what_was_written_is_not_written_again() -> None:
    """The same status of the same message; another status, message or delivery is news."""
    books, reports, _ = _make()
    told = [
        REPORT,
        REPORT,
        replace(REPORT, status="sent"),
        replace(REPORT, provider_id="SM" + "1" * 32),
        replace(REPORT, delivery_id=None),
        REPORT,
    ]

    fates = [await books.record(report) for report in told]
    assert fates == ["recorded", "repeated", "recorded", "recorded", "recorded", "repeated"]
    assert len(reports.calls) == 4


@pytest.mark.parametrize("fate", ["repeated", "older"])
async def test_what_the_database_knew_is_not_asked_again(fate: str) -> None:
    """Another process may have written it."""
    books, reports, _ = _make()
    reports.fate = fate  # type: ignore[assignment]
    await books.record(REPORT)
    await books.record(REPORT)

    assert len(reports.calls) == 1


async def test_a_delivery_that_is_not_known_is_asked_for_again() -> None:
    """It may be written by then."""
    books, reports, _ = _make()
    reports.fate = "unknown"
    await books.record(REPORT)
    await books.record(REPORT)

    assert len(reports.calls) == 2


async def test_what_failed_is_tried_again() -> None:
    """Nothing is remembered that was not written."""
    books, reports, _ = _make()
    reports.error = RuntimeError()
    with pytest.raises(RuntimeError):
        await books.record(REPORT)
    reports.error = None

    assert await books.record(REPORT) == "recorded"


async def test_the_database_is_asked_no_faster_than_it_may_be() -> None:
    """Whoever reports more is told to come again; what is known already costs nothing."""
    books, reports, _ = _make(rate=5)
    many = [replace(REPORT, provider_id=f"SM{number:032}") for number in range(6)]
    for report in many[:5]:
        await books.record(report)
    with pytest.raises(RefusedError) as refused:
        await books.record(many[5])

    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
    assert await books.record(many[0]) == "repeated"
    assert len(reports.calls) == 5


async def test_a_word_that_nobody_knows_is_counted_as_other() -> None:
    """However many words there are, there are few series."""
    books, _, metrics = _make()
    await books.record(REPORT)
    for word in ("teleported", "beamed"):
        await books.record(replace(REPORT, status=word))

    counted = {
        tuple(sample.labels.values()): sample.value
        for family in metrics.webhook_statuses.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert counted == {("twilio", "delivered"): 1, ("twilio", "other"): 2}


async def test_addresses_are_taken_off_and_put_back() -> None:
    """And none of them is in the log."""
    books, reports, _ = _make()
    await books.suppress("sms", PHONE, "unsubscribed", "twilio")
    await books.unsuppress("sms", PHONE, "unsubscribed", "twilio")
    await books.suppress_recipient(UUID(int=1), "unsubscribed", "link")

    assert reports.calls == [
        ("suppress", "sms", PHONE, "unsubscribed", "twilio"),
        ("unsuppress", "sms", PHONE, "unsubscribed"),
        ("suppress_recipient", UUID(int=1), "unsubscribed", "link"),
    ]
