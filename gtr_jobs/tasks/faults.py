"""Says that a job's handler failed, without content."""

from __future__ import annotations

from gtr_jobs.engine.job import Job
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.observe.logs import Logger


def report_fault(log: Logger, job: Job, error: Exception) -> None:
    """Log where in the code one job's handler failed."""
    log.error(
        events.HANDLER_FAILED,
        queue=job.queue,
        error=type(error).__name__,
        # The database's own words quote the row that it refused; its code does not.
        sqlstate=getattr(error, "sqlstate", None),
        where=places_of(error),
        jobs=1,
    )
