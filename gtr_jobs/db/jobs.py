"""The queues' jobs, as operators read them and act on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from gtr_jobs.db.audit import Note
from gtr_jobs.db.operator import Connections, fetch_rows
from gtr_jobs.db.queue_depth import QueueDepth


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that waits or is being done; `max_attempts` is None where its kind is no longer known."""

    job_id: int
    queue: str
    kind: str
    state: str
    attempts: int
    max_attempts: int | None
    priority: int
    worker_id: int | None
    scheduled_at: datetime | None
    enqueued_at: datetime
    trace_id: str


@dataclass(frozen=True, slots=True)
class KnownJob:
    """All that is known of a job: doing, ready, scheduled, dead, done, cancelled or discarded.

    The arguments of a job that has left are not kept. `max_attempts` is None where its kind is no
    longer known, `lost_claims` where that was not kept.
    """

    job_id: int
    state: str
    queue: str
    kind: str
    args: Mapping[str, Any] | None
    attempts: int
    max_attempts: int | None
    worker_id: int | None
    scheduled_at: datetime | None
    enqueued_at: datetime
    ended_at: datetime | None
    event_day: date
    trace_id: str
    lost_claims: int | None
    code: str | None
    error: str | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class JobDelivery:
    """What came of one receiver of a job."""

    dedupe_key: UUID
    channel: str
    provider: str | None
    user_id: UUID | None
    device_id: UUID | None
    state: str
    outcome: str
    code: str
    attempts: int
    resent_after_unknown: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LivingWorker:
    """A worker on the register: how long ago its heart beat, and how many jobs it holds."""

    worker_id: int
    silent_seconds: float
    jobs: int


class Jobs:
    """Reads the queues, and takes waiting jobs out of them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_open(
        self, queue: str | None, kind: str | None, state: str | None, limit: int
    ) -> list[QueuedJob]:
        """List at most so many: those that are being done, then as they would be done."""
        rows = await fetch_rows(
            self._connections,
            "select job_id, queue, kind, state, attempts, max_attempts, priority, worker_id,"
            " scheduled_at, enqueued_at, trace_id from gtr_jobs.list_jobs(%s, %s, %s, %s)",
            queue,
            kind,
            state,
            limit,
        )
        return [QueuedJob(*row) for row in rows]

    async def read(self, job_ids: Sequence[int]) -> dict[int, KnownJob]:
        """Read at most 1,000 jobs by their ids, wherever they are now; unknown ones are missing."""
        rows = await fetch_rows(
            self._connections,
            "select job_id, state, queue, kind, args, attempts, max_attempts, worker_id,"
            " scheduled_at, enqueued_at, ended_at, event_day, trace_id, lost_claims, code, error,"
            " fingerprint from gtr_jobs.read_jobs(%s::bigint[])",
            list(job_ids),
        )
        return {row[0]: KnownJob(*row) for row in rows}

    async def read_deliveries(self, job: KnownJob) -> list[JobDelivery]:
        """Read what came of a job's receivers, at most 1,000."""
        rows = await fetch_rows(
            self._connections,
            "select dedupe_key, channel, provider, user_id, device_id, state, outcome, code,"
            " attempts, resent_after_unknown, updated_at"
            " from gtr_jobs.read_job_deliveries(%s, %s)",
            job.event_day,
            job.job_id,
        )
        return [JobDelivery(*row) for row in rows]

    async def cancel(self, job_ids: Sequence[int], note: Note) -> frozenset[int]:
        """Take waiting jobs out of the queue, at most 1,000; give those that were taken."""
        rows = await fetch_rows(
            self._connections,
            "select gtr_jobs.cancel_jobs(%s::bigint[], %s, %s, %s, %s)",
            list(job_ids),
            *note.parameters(),
        )
        return frozenset(rows[0][0])

    async def read_kinds(self) -> dict[str, str | None]:
        """Read every kind of job with its queue; None where only dead jobs still have it."""
        return dict(
            await fetch_rows(self._connections, "select kind, queue from gtr_jobs.list_kinds()")
        )

    async def read_depths(self) -> list[QueueDepth]:
        """Read how much every queue holds."""
        rows = await fetch_rows(
            self._connections,
            "select queue, ready, scheduled, doing, dead, oldest_due_seconds"
            " from gtr_jobs.read_queue_depth() order by queue",
        )
        return [QueueDepth(*row) for row in rows]

    async def read_workers(self) -> list[LivingWorker]:
        """Read the register of workers, the liveliest first."""
        rows = await fetch_rows(
            self._connections, "select worker_id, silent_seconds, jobs from gtr_jobs.read_workers()"
        )
        return [LivingWorker(*row) for row in rows]

    async def read_identity(self) -> tuple[str | None, str | None]:
        """Read which project and environment the database says it is."""
        rows = await fetch_rows(
            self._connections, "select project, environment from gtr_jobs.read_installation()"
        )
        return (rows[0][0], rows[0][1]) if rows else (None, None)
