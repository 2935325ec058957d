"""Which statement writes an ack: what it tells of."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import Accepted, Ambiguous, DeadTarget, Skipped
from gtr_jobs.engine.job import Die, Done, HandBack, Job, JobEnd, TryAgain
from gtr_jobs.engine.queue import Ack, AckSort

JOB = Job(7, "push", "message", {}, 0, 5, 1, 0, date(2026, 3, 1), "trace", 0.0, 0.0, 0.0)
TAKEN = Delivery(UUID(int=1), "message", "push", Accepted("a-1"), provider="fcm")
TEXT = TAKEN._replace(channel="sms", provider="twilio")


@pytest.mark.parametrize(
    ("deliveries", "sort"),
    [
        ([], "nothing"),
        ([TAKEN], "accepted"),
        ([TAKEN, TAKEN._replace(provider="apns", is_resent=True)], "accepted"),
        # Its ticket is kept.
        ([TAKEN._replace(provider="expo")], "anything"),
        ([TAKEN, TAKEN._replace(provider="expo")], "anything"),
        # What it learned of the device is kept.
        ([TAKEN._replace(outcome=Accepted("a-1", apns_environment="sandbox"))], "anything"),
        ([TAKEN._replace(provider=None)], "anything"),
        ([TAKEN._replace(kind="other")], "anything"),
        ([TAKEN._replace(outcome=DeadTarget("Unregistered"))], "anything"),
        ([TAKEN._replace(outcome=Ambiguous("reset"))], "anything"),
        ([TAKEN, TAKEN._replace(outcome=Skipped("muted"), provider=None)], "anything"),
        ([TEXT], "messages"),
        ([TEXT._replace(channel="email")], "messages"),
        ([TAKEN, TEXT], "messages"),
        ([TAKEN._replace(provider="expo"), TEXT], "messages"),
    ],
)
def test_an_ack_of_a_job_that_is_done_is_sorted_by_its_deliveries(
    deliveries: list[Delivery], sort: AckSort
) -> None:
    """Only what a provider without receipts took, and of which nothing was learned, is the plain sort."""
    assert Ack(JOB, Done(), deliveries).sort == sort


@pytest.mark.parametrize(
    "end", [TryAgain(1.0, uses_attempt=True), HandBack(), Die("code", "error")]
)
def test_an_ack_of_another_end_tells_more(end: JobEnd) -> None:
    """Its delay, or what it died of."""
    assert Ack(JOB, end).sort == "anything"
    assert Ack(JOB, end, [TAKEN]).sort == "anything"
    assert Ack(JOB, end, [TAKEN, TEXT]).sort == "messages"
