"""What came of a job, as the statements that read documents take it."""

from __future__ import annotations

from typing import assert_never

from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import Accepted, DeadTarget
from gtr_jobs.engine.job import Die, Done, HandBack, Job, JobEnd, TryAgain, fingerprint


def end_record(job: Job, end: JobEnd) -> dict[str, object]:
    """Write down how a job ended."""
    record: dict[str, object] = {
        "job_id": job.job_id,
        "claim_number": job.claim_number,
        "attempted": True,
        "maybe_sent": False,
    }
    match end:
        case Done():
            record["ended"] = "done"
        case TryAgain(delay=delay, uses_attempt=uses_attempt):
            record |= {"ended": "retry", "delay": delay, "attempted": uses_attempt}
        case HandBack(delay=delay, was_maybe_sent=was_maybe_sent):
            record |= {
                "ended": "release",
                "delay": delay,
                "attempted": False,
                "maybe_sent": was_maybe_sent,
            }
        case Die(code=code, error=error):
            record |= {
                "ended": "dead",
                "code": code,
                "error": error,
                "fingerprint": fingerprint(job, end),
            }
        case _:
            assert_never(end)
    return record


def delivery_record(job: Job, end: JobEnd, delivery: Delivery) -> dict[str, object]:
    """Write down one of a job's deliveries."""
    # A job that is dead sends nothing more: what still waited has failed.
    has_failed = isinstance(end, Die) and delivery.state == "queued"
    accepted = delivery.outcome if isinstance(delivery.outcome, Accepted) else None
    record = {
        "job_id": job.job_id,
        "dedupe_key": delivery.dedupe_key,
        "kind": delivery.kind,
        "channel": delivery.channel,
        "provider": delivery.provider,
        "user_id": delivery.user_id,
        "device_id": delivery.device_id,
        "registered_at": delivery.registered_at,
        "state": "failed" if has_failed else delivery.state,
        "outcome": delivery.outcome.name,
        "code": delivery.code,
        "provider_id": accepted and accepted.provider_id,
        "resent": delivery.is_resent,
        "apns_environment": accepted and accepted.apns_environment,
    }
    if delivery.channel != "push":
        cost = accepted and accepted.cost
        gone = delivery.outcome if isinstance(delivery.outcome, DeadTarget) else None
        record |= {
            "attempt_token": delivery.attempt_token and str(delivery.attempt_token),
            "is_attempt": delivery.is_attempt,
            "mark": gone and gone.mark,
            "price": cost and str(cost.amount),
            "currency": cost and cost.currency,
        }
    return record
