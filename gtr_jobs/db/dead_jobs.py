"""The list of the dead, as operators read it and act on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from gtr_jobs.db.audit import Note
from gtr_jobs.db.operator import Connections, fetch_rows

MAX_JOBS_A_CALL = 1000


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead jobs are meant; what is None does not count.

    Args:
        kind: Jobs of this kind.
        since: Those that died then or later.
        fingerprint: Those that died of the same.
        error_like: Those whose code or error contains this; `%` stands for anything.
    """

    kind: str | None = None
    since: datetime | None = None
    fingerprint: str | None = None
    error_like: str | None = None

    def is_empty(self) -> bool:
        """Whether every dead job is meant."""
        return self == DeadFilter()

    def described(self) -> dict[str, str]:
        """Give what is asked for, in words for the audit."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One dead job, without its arguments."""

    job_id: int
    queue: str
    kind: str
    code: str
    error: str
    fingerprint: str
    attempts: int
    died_at: datetime
    enqueued_at: datetime
    trace_id: str


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Dead jobs that died of the same; the count stops at 10,000, code and error are the newest's."""

    fingerprint: str
    kind: str
    code: str
    error: str
    jobs: int
    first_died_at: datetime
    last_died_at: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """What acting on dead jobs of one fingerprint would touch.

    Args:
        is_known_kind: Whether a queue takes jobs of the kind; else they cannot be requeued.
        jobs: How many there are.
        expired: Those of them that are too old to be of use: nothing is sent when they run again.
        to_send_again: Deliveries that no provider took.
        maybe_sent: Deliveries that a provider may have taken: sent again, and marked so.
        settled: Deliveries that are not touched: sent, skipped, too old, or to a device that is gone.
    """

    fingerprint: str
    kind: str
    code: str
    error: str
    is_known_kind: bool
    jobs: int
    first_died_at: datetime
    last_died_at: datetime
    expired: int
    to_send_again: int
    maybe_sent: int
    settled: int


@dataclass(frozen=True, slots=True)
class Requeued:
    """How many jobs live again, and how many of their deliveries are open again."""

    jobs: int
    deliveries: int


class DeadJobs:
    """Reads and empties the list of the dead."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_newest(self, wanted: DeadFilter, limit: int) -> list[DeadJob]:
        """List at most so many, newest first."""
        rows = await fetch_rows(
            self._connections,
            "select job_id, queue, kind, code, error, fingerprint, attempts, died_at, enqueued_at,"
            " trace_id from gtr_jobs.list_dead_jobs(%s, %s, %s, %s, %s)",
            *_filter_parameters(wanted),
            limit,
        )
        return [DeadJob(*row) for row in rows]

    async def list_groups(
        self, kind: str | None, since: datetime | None, limit: int
    ) -> list[DeadGroup]:
        """List what jobs died of, the newest first."""
        rows = await fetch_rows(
            self._connections,
            "select fingerprint, kind, code, error, jobs, first_died_at, last_died_at"
            " from gtr_jobs.group_dead_jobs(%s, %s, %s)",
            kind,
            since,
            limit,
        )
        return [DeadGroup(*row) for row in rows]

    async def find(self, wanted: DeadFilter, limit: int) -> list[int]:
        """Name at most so many, oldest first."""
        rows = await fetch_rows(
            self._connections,
            "select gtr_jobs.find_dead_jobs(%s, %s, %s, %s, false, %s)",
            *_filter_parameters(wanted),
            limit,
        )
        return [int(row[0]) for row in rows]

    async def preview(
        self, job_ids: Sequence[int], lives: Mapping[str, timedelta]
    ) -> list[Touched]:
        """Say what acting on these would touch, by what they died of.

        Args:
            job_ids: The dead jobs.
            lives: How long notifications of a kind are of use.
        """
        rows = await fetch_rows(
            self._connections,
            "select fingerprint, kind, code, error, is_known_kind, jobs, first_died_at,"
            " last_died_at, expired, to_send_again, maybe_sent, settled"
            " from gtr_jobs.preview_dead_jobs(%s::bigint[], %s::text[], %s::interval[])",
            list(job_ids),
            list(lives.keys()),
            list(lives.values()),
        )
        return [Touched(*row) for row in rows]

    async def requeue(
        self, job_ids: Sequence[int], delay: float, rate: float, note: Note
    ) -> Requeued:
        """Put at most `MAX_JOBS_A_CALL` back into their queues, so many a second, after a delay in seconds."""
        rows = await fetch_rows(
            self._connections,
            "select requeued, deliveries"
            " from gtr_jobs.requeue_dead_jobs(%s::bigint[], %s, %s, %s, %s, %s, %s)",
            list(job_ids),
            delay,
            rate,
            *note.parameters(),
        )
        return Requeued(*rows[0])

    async def discard(self, job_ids: Sequence[int], note: Note) -> int:
        """Take at most `MAX_JOBS_A_CALL` off the list for good; give how many were still on it."""
        rows = await fetch_rows(
            self._connections,
            "select gtr_jobs.discard_dead_jobs(%s::bigint[], %s, %s, %s, %s)",
            list(job_ids),
            *note.parameters(),
        )
        return int(rows[0][0])


def _filter_parameters(wanted: DeadFilter) -> tuple[object, ...]:
    pattern = wanted.error_like
    if pattern is not None:
        # Codes are full of underscores, which mean themselves here.
        pattern = pattern.replace("\\", r"\\").replace("_", r"\_")
        pattern = f"%{pattern}%"
    return wanted.kind, wanted.since, wanted.fingerprint, pattern
