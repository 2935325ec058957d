"""What the command line shows of a job, and of what an act would touch."""

from __future__ import annotations

from dataclasses import asdict

from gtr_jobs.cli.listing import say, say_seconds, show_fields, show_json, show_rows
from gtr_jobs.ops.arguments import show_arguments
from gtr_jobs.ops.dead import MAX_JOBS_A_COMMAND, Chosen
from gtr_jobs.ops.jobs import JobReport


def show_job(report: JobReport, *, as_json: bool) -> None:
    """Show all that is known of a job, and nothing of what it says."""
    job = report.job
    arguments = None if job.args is None else show_arguments(job.args)
    if as_json:
        show_json(
            {
                **asdict(job),
                "args": arguments,
                "deliveries": report.deliveries,
                "acts": report.acts,
            }
        )
        return
    limit = "" if job.max_attempts is None else f" of {job.max_attempts}"
    show_fields(
        {
            "job": job.job_id,
            "state": job.state,
            "queue": job.queue,
            "kind": job.kind,
            "arguments": None
            if arguments is None
            else ", ".join(f"{name}: {text}" for name, text in arguments.items()),
            "attempts": f"{job.attempts}{limit}",
            "lost claims": job.lost_claims or None,
            "worker": job.worker_id,
            "enqueued": job.enqueued_at,
            "due": job.scheduled_at,
            "ended": job.ended_at,
            "code": job.code,
            "error": job.error,
            "fingerprint": job.fingerprint,
            "trace": job.trace_id,
        }
    )
    if report.deliveries:
        print("\ndeliveries")
        show_rows(
            ["state", "outcome", "code", "provider", "attempts", "resent", "updated", "device"],
            [
                (
                    one.state,
                    one.outcome,
                    one.code,
                    one.provider,
                    one.attempts,
                    one.resent_after_unknown,
                    one.updated_at,
                    one.device_id,
                )
                for one in report.deliveries
            ],
        )
    if report.acts:
        print("\nacts")
        show_rows(
            ["when", "who", "as", "what", "why"],
            [
                (one.acted_at, one.actor, one.database_role, one.action, one.reason)
                for one in report.acts
            ],
        )


def show_chosen(chosen: Chosen, act: str, target: str, rate: int | None) -> None:
    """Show what an act would do, and where."""
    count = len(chosen.job_ids)
    print(f"{target}: would {act} {_count(count, 'dead job')}")
    if not count:
        return
    if chosen.is_cut:
        print(f"There are more: these are the oldest {MAX_JOBS_A_COMMAND}.")
    print()
    show_rows(
        ["count", "kind", "code", "error", "first seen", "last seen", "fingerprint"],
        [
            (
                one.jobs,
                one.kind,
                one.code,
                one.error,
                one.first_died_at,
                one.last_died_at,
                one.fingerprint,
            )
            for one in chosen.touched
        ],
        {"code": "red", "fingerprint": "dim"},
    )
    print()
    if rate is None:
        return
    able = [one for one in chosen.touched if one.is_known_kind]
    for kind, jobs in chosen.unknown_kinds.items():
        print(
            f"{_count(jobs, 'job')} of kind {say(kind)} left out: no queue takes that kind any more"
        )
    print(
        f"deliveries: {sum(one.to_send_again for one in able)} to send again, "
        f"{sum(one.maybe_sent for one in able)} that may have been sent already "
        "(sent again under the same collapse id, and marked), "
        f"{sum(one.settled for one in able)} settled and left alone"
    )
    expired = sum(one.expired for one in able)
    if expired:
        print(f"too old: {expired} outlived their kind's time to live; for those nothing is sent")
    print(f"pace: {rate} a second, over {say_seconds(chosen.can_run / rate)}")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
