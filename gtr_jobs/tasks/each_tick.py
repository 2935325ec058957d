"""A handler for the jobs of cron lines: each is one tick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.engine.batches import Finish, Handler
from gtr_jobs.engine.job import Die, Job, JobEnd
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import end_after_fault
from gtr_jobs.observe.logs import Logger
from gtr_jobs.tasks.faults import report_fault


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick.

    Args:
        cron: The name of its line.
        at: When it was due, in UTC: what is done for a time is done for this one, not for now.
    """

    cron: str
    at: datetime


# Does one tick, and says how it ended.
DoTick = Callable[[Job, Tick], Awaitable[JobEnd]]


def each_tick(do: DoTick, log: Logger) -> Handler:
    """Make a handler of what is to be done at a tick; ticks are done one after another.

    A fault uses up an attempt of its job and of no other. While the database is away, jobs are
    handed back and use none.

    Args:
        do: Does one tick. It may run again after it was interrupted: it must come to the same.
        log: Is told of faults, by their place in the code and without their text.
    """

    async def end_of(job: Job, tick: Tick) -> JobEnd:
        try:
            return await do(job, tick)
        except PASSING_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (one tick's fault must not use up the attempts of others)
            report_fault(log, job, error)
            return end_after_fault(job, error)

    async def handle(jobs: Sequence[Job], finish: Finish) -> None:
        for job in jobs:
            tick = _read_tick(job)
            if tick is None:
                death = Die("bad_arguments", "the job is no tick of a cron line")
                finish(Ack(job, death))
            else:
                finish(Ack(job, await end_of(job, tick)))

    return handle


def _read_tick(job: Job) -> Tick | None:
    try:
        at = datetime.fromisoformat(job.args["tick"])
        return Tick(str(job.args["cron"]), at.astimezone(UTC))
    except (KeyError, TypeError, ValueError):
        return None
