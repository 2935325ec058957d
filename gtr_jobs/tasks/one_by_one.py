"""A handler for jobs that are about one row each and are done one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.engine.batches import Finish, Handler
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import HandBack, Job, JobEnd
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import end_after_fault
from gtr_jobs.observe.logs import Logger
from gtr_jobs.tasks.arguments import name_rows
from gtr_jobs.tasks.faults import report_fault

# Does one job, about the row with this id, and says how it ended.
DoJob = Callable[[Job, UUID], Awaitable[JobEnd]]


def one_by_one(do: DoJob, log: Logger, *, at_once: int = 1) -> Handler:
    """Make a handler of what is to be done for one job.

    A job whose arguments name no row (`{"id": uuid}`) is dead. A fault in one job uses up an attempt
    of that job and of no other. While the database is away, jobs are handed back and use none; none is
    begun while this worker is cut off from it (`may_send_now`).

    Args:
        do: Does one job. It may run again after it was interrupted: it must come to the same.
        log: Is told of faults, by their place in the code and without their text.
        at_once: How many jobs run at a time.
    """
    turn = asyncio.Semaphore(at_once)

    async def end_of(job: Job, row_id: UUID) -> JobEnd:
        try:
            return await do(job, row_id)
        except PASSING_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (one row's fault must not use up the attempts of others)
            report_fault(log, job, error)
            return end_after_fault(job, error)

    async def handle(jobs: Sequence[Job], finish: Finish) -> None:
        async def end(job: Job, row_id: UUID) -> None:
            async with turn:
                is_allowed = may_send_now()
                finish(Ack(job, await end_of(job, row_id) if is_allowed else HandBack(delay=1.0)))

        try:
            async with asyncio.TaskGroup() as running:
                for job, row_id in name_rows(jobs, finish):
                    running.create_task(end(job, row_id))
        except ExceptionGroup as group:
            # Only what passes by itself comes here: the lane knows it by its own name.
            raise group.exceptions[0] from None

    return handle
