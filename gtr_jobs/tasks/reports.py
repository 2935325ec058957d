"""What operators are told of pushes, one by one: in the log, and of devices that are gone as a figure."""

from __future__ import annotations

from gtr_jobs.domain.outcome import Accepted, DeadTarget, Outcome
from gtr_jobs.engine.job import Job
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.observe.logs import Logger, logs_every_job
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.tasks.envelope import Receiver


class Reports:
    """Tells what came of a queue's pushes.

    Args:
        queue: Its name.
    """

    def __init__(self, queue: str, log: Logger, metrics: Metrics) -> None:
        self._queue = queue
        self._log = log
        self._metrics = metrics

    def answer(self, job: Job, receiver: Receiver, provider: str, outcome: Outcome) -> None:
        """Tell what a provider said of a push; of one that it accepted only to who looks closely."""
        app = receiver.device.app if receiver.device is not None else ""
        say = self._log.info
        if isinstance(outcome, Accepted):
            # The ledger has it, and a line costs as much as a tenth of the push.
            if not logs_every_job():
                return
            say = self._log.debug
        elif isinstance(outcome, DeadTarget):
            self._metrics.devices_dropped.labels(app, provider, outcome.code).inc()
        say(
            events.PUSH_ATTEMPTED,
            trace_id=job.trace_id,
            job_id=job.job_id,
            kind=job.kind,
            delivery=str(receiver.dedupe_key),
            app=app,
            provider=provider,
            outcome=outcome.name,
            code=getattr(outcome, "code", ""),
        )

    def fault(self, error: Exception, jobs: int) -> None:
        """Tell of a fault of ours that kept jobs from being done; its text may hold content and is not told."""
        self._log.error(
            events.HANDLER_FAILED,
            queue=self._queue,
            error=type(error).__name__,
            where=places_of(error),
            jobs=jobs,
        )
