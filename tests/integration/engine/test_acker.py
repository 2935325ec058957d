"""Acks are written together, apart from those that the database refuses, and until their fate is known."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from support.engine import Engine
from support.jobs import fetch_rows, fetch_value, put_jobs

from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
)
from gtr_jobs.engine.job import Die, Done, HandBack, Job, JobEnd, TryAgain
from gtr_jobs.engine.queue import Ack

DONE = "select count(*) from gtr_jobs.job_history where ended = 'done'"


async def _claim(engine: Engine, count: int) -> list[Job]:
    await put_jobs(engine.admin, count)
    return await engine.context.queue.claim_jobs("push", engine.context.membership.worker_id, 1000)


async def test_acks_that_come_together_are_written_together(
    engine: Engine, admin: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first goes at once; what gathers meanwhile goes in statements of at most 1,000."""
    sizes: list[int] = []
    queue = engine.context.queue
    ack_jobs = queue.ack_jobs

    async def count(worker_id: int, acks: Sequence[Ack]) -> frozenset[int]:
        sizes.append(len(acks))
        return await ack_jobs(worker_id, acks)

    monkeypatch.setattr(queue, "ack_jobs", count)
    jobs = [*await _claim(engine, 1000), *await _claim(engine, 500)]
    for job in jobs:
        engine.context.acker.put(Ack(job, Done()))
    await engine.context.acker.drain()
    assert sizes == [1000, 500]
    assert await fetch_value(admin, DONE) == 1500


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (TryAgain(delay=60.0, uses_attempt=True), ("todo", 1, 0, 60)),
        (TryAgain(delay=60.0, uses_attempt=False), ("todo", 0, 0, 60)),
        (TryAgain(delay=0.0, uses_attempt=True), ("todo", 1, 0, None)),
        (HandBack(), ("todo", 0, 0, None)),
        (HandBack(delay=30.0), ("todo", 0, 0, 30)),
        (HandBack(was_maybe_sent=True), ("todo", 0, 1, None)),
    ],
)
async def test_a_job_goes_back_as_its_end_says(
    engine: Engine, admin: AsyncConnection, end: JobEnd, state: tuple[object, ...]
) -> None:
    """Its attempts, whether it may have been sent, and when it is due."""
    (job,) = await _claim(engine, 1)
    engine.context.acker.put(Ack(job, end))
    await engine.context.acker.drain()
    assert await fetch_rows(
        admin,
        "select status::text, attempts, lost_claims,"
        " round(extract(epoch from scheduled_at - now()))::integer from gtr_jobs.jobs",
    ) == [state]


async def test_deliveries_are_written_with_the_end(engine: Engine, admin: AsyncConnection) -> None:
    """Every field of every outcome; of a dead job nothing waits any more."""
    one, other = await _claim(engine, 2)
    outcomes: list[Outcome] = [
        Accepted("projects/p/messages/1"),
        Rejected("BadTopic", "the topic"),
        Throttled("429", 5.0),
        Retry("503"),
        Misconfigured("BadKey", "the key"),
        Ambiguous("reset"),
    ]
    user_id = uuid4()

    def deliveries() -> list[Delivery]:
        return [
            Delivery(uuid4(), "message", "push", outcome, user_id, "fcm", is_resent=True)
            for outcome in outcomes
        ]

    engine.context.acker.put(Ack(one, TryAgain(60.0, uses_attempt=True), deliveries()))
    engine.context.acker.put(Ack(other, Die("BadTopic", "refused"), deliveries()))
    await engine.context.acker.drain()
    query = """
        select state::text, outcome::text, code, provider_id, provider, resent_after_unknown, user_id
        from gtr_jobs.deliveries where job_id = %s order by deliveries.outcome
    """
    rest = ("fcm", True, user_id)
    written = [
        ("sent", "accepted", "", "projects/p/messages/1", *rest),
        ("failed", "rejected", "BadTopic", None, *rest),
        ("queued", "throttled", "429", None, *rest),
        ("queued", "retry", "503", None, *rest),
        ("queued", "misconfigured", "BadKey", None, *rest),
        ("unknown", "ambiguous", "reset", None, *rest),
    ]
    assert await fetch_rows(admin, query, one.job_id) == written
    assert await fetch_rows(admin, query, other.job_id) == [
        ("failed" if state == "queued" else state, *more) for state, *more in written
    ]


async def test_accepted_pushes_are_written_with_the_end(
    engine: Engine, admin: AsyncConnection
) -> None:
    """Every field, whatever a provider calls its message; several of one job, and beside acks of other sorts."""
    names = ["projects/p/messages/1", "", "null", 'a"b\\c', "{d},e\nf", "é"]
    plain, *jobs = await _claim(engine, 1 + len(names))
    told: list[tuple[object, ...]] = []
    for job, name in zip(jobs, names, strict=True):
        deliveries = [
            Delivery(
                uuid4(),
                "message",
                "push",
                Accepted(name),
                user_id,
                provider,
                device_id,
                None,
                resent,
            )
            for user_id, provider, device_id, resent in (
                (uuid4(), "fcm", uuid4(), False),
                (None, "apns", None, True),
            )
        ]
        engine.context.acker.put(Ack(job, Done(), deliveries))
        told += [
            (
                one.dedupe_key, job.job_id, job.event_day, job.trace_id, "message", "push", one.provider,
                one.user_id, one.device_id, "sent", "accepted", "", name, one.is_resent, 1,
            )
            for one in deliveries
        ]  # fmt: skip
    engine.context.acker.put(Ack(plain, Done()))
    await engine.context.acker.drain()
    written = await fetch_rows(
        admin,
        """
        select dedupe_key, job_id, day, trace_id, kind, channel, provider, user_id, device_id,
            state::text, outcome::text, code, provider_id, resent_after_unknown, attempts
        from gtr_jobs.deliveries
        """,
    )
    assert sorted(written) == sorted(told)
    assert await fetch_value(admin, DONE) == 1 + len(names)


# PostgreSQL's text knows no such character.
@pytest.mark.parametrize("outcome", [Rejected("bad\x00code"), Accepted("bad\x00name")])
async def test_an_ack_that_the_database_refuses_keeps_no_other_from_being_written(
    engine: Engine, admin: AsyncConnection, outcome: Outcome
) -> None:
    """It becomes a dead job that says so; the daemon goes on."""
    jobs = await _claim(engine, 3)
    poison = Delivery(uuid4(), "message", "push", outcome, provider="fcm")
    engine.context.acker.put(Ack(jobs[0], Done()))
    engine.context.acker.put(Ack(jobs[1], Done(), [poison]))
    engine.context.acker.put(Ack(jobs[2], Done()))
    await engine.context.acker.drain()
    assert await fetch_value(admin, DONE) == 2
    assert await fetch_rows(admin, "select job_id, code from gtr_jobs.dead_jobs") == [
        (jobs[1].job_id, "ack_refused")
    ]


async def test_a_lost_claim_is_told_once_a_batch(engine: Engine, admin: AsyncConnection) -> None:
    """Another has the job by now: nothing is written, and an operator can see how often that happens."""
    jobs = await _claim(engine, 3)
    await admin.execute("update procrastinate.procrastinate_jobs set claim_number = 9 where true")
    for job in jobs:
        engine.context.acker.put(Ack(job, Done()))
    await engine.context.acker.drain()
    assert await fetch_value(admin, "select count(*) from gtr_jobs.jobs") == 3
    assert engine.events("jobs.lost_claim") == [{"queue": "push", "jobs": 3}]
    assert engine.metric("gtr_jobs_lost_claims_total", queue="push") == 3
