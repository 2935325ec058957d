"""What operators do with the queues: look at them, at a job, and cancel what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gtr_jobs.db.audit import Audit, JobAct, Note
from gtr_jobs.db.dead_jobs import MAX_JOBS_A_CALL
from gtr_jobs.db.jobs import JobDelivery, Jobs, KnownJob, LivingWorker, QueuedJob
from gtr_jobs.db.queue_depth import QueueDepth
from gtr_jobs.domain.errors import StateError, UsageError
from gtr_jobs.ops.names import check_name

# As long as its jobs are left to it: then others take them.
SILENT_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class JobReport:
    """All that is known of a job: its deliveries and what operators did to it."""

    job: KnownJob
    deliveries: tuple[JobDelivery, ...]
    acts: tuple[JobAct, ...]


@dataclass(frozen=True, slots=True)
class QueuesReport:
    """How much every queue holds, and who drains them."""

    depths: tuple[QueueDepth, ...]
    workers: tuple[LivingWorker, ...]

    @property
    def living(self) -> tuple[LivingWorker, ...]:
        """The workers whose heart beats."""
        return tuple(one for one in self.workers if one.silent_seconds < SILENT_AFTER_SECONDS)


class JobOperations:
    """The queues, for the command line and whoever else shows them."""

    def __init__(self, jobs: Jobs, audit: Audit) -> None:
        self._jobs = jobs
        self._audit = audit

    async def list_open(
        self, queue: str | None, kind: str | None, state: str | None, limit: int
    ) -> list[QueuedJob]:
        """List jobs that are being done or wait, in the order in which they are done.

        Raises:
            UsageError: There is no such queue or kind.
        """
        kinds = await self._jobs.read_kinds()
        check_name("queue", queue, {name for name in kinds.values() if name is not None})
        check_name("kind", kind, kinds)
        return await self._jobs.list_open(queue, kind, state, limit)

    async def show(self, job_id: int) -> JobReport:
        """Tell all that is known of a job.

        Raises:
            StateError: Nothing is.
        """
        known = await self._jobs.read([job_id])
        if job_id not in known:
            raise StateError(
                f"no job {job_id}", "it was never there, or its history is no longer kept"
            )
        job = known[job_id]
        return JobReport(
            job,
            tuple(await self._jobs.read_deliveries(job)),
            tuple(await self._audit.read_acts(job_id)),
        )

    async def choose_waiting(self, job_ids: Sequence[int]) -> list[KnownJob]:
        """Choose waiting jobs by their ids.

        Raises:
            UsageError: One of them does not wait any more, or there are too many.
            StateError: One of them is not known, or is being done.
        """
        ids = list(dict.fromkeys(job_ids))
        if len(ids) > MAX_JOBS_A_CALL:
            raise UsageError(f"more than {MAX_JOBS_A_CALL} ids", "cancel them in parts")
        known = await self._jobs.read(ids)
        for job_id in ids:
            if job_id not in known:
                raise StateError(f"no job {job_id}", "`gtr-jobs jobs list` shows what waits")
            refuse_unless_waiting(known[job_id])
        return [known[job_id] for job_id in ids]

    async def cancel(self, job_ids: Sequence[int], note: Note) -> frozenset[int]:
        """Take waiting jobs out of their queues; give those that still waited."""
        return await self._jobs.cancel(job_ids, note)

    async def read_queues(self) -> QueuesReport:
        """Tell how much every queue holds, and who drains them."""
        return QueuesReport(
            tuple(await self._jobs.read_depths()), tuple(await self._jobs.read_workers())
        )


def refuse_unless_waiting(job: KnownJob) -> None:
    """Refuse to cancel what does not wait.

    Raises:
        StateError: It is being done.
        UsageError: It is dead, or has left.
    """
    if job.state == "doing":
        raise StateError(
            f"job {job.job_id} is being done by worker {job.worker_id}, which may be sending now",
            "wait until it ends or comes back into the queue",
        )
    if job.state == "dead":
        raise UsageError(
            f"job {job.job_id} is dead and will not run", "`gtr-jobs dead discard` takes it away"
        )
    if job.state not in {"ready", "scheduled"}:
        raise UsageError(f"job {job.job_id} is {job.state}: only waiting jobs can be cancelled")
