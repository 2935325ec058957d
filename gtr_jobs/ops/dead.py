"""What operators do with dead jobs: look, choose, and then requeue or discard what they were shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gtr_jobs.db.audit import Note
from gtr_jobs.db.dead_jobs import (
    MAX_JOBS_A_CALL,
    DeadFilter,
    DeadGroup,
    DeadJob,
    DeadJobs,
    Requeued,
    Touched,
)
from gtr_jobs.db.jobs import Jobs
from gtr_jobs.domain.errors import StateError, UsageError
from gtr_jobs.ops.names import check_name, check_text

MAX_JOBS_A_COMMAND = 100_000

_FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")

# Told after every part of an act: how many jobs are done, of how many.
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Dead jobs that an act is meant for, and what it would touch.

    Args:
        job_ids: They, oldest first or in the order in which they were named.
        touched: By what they died of.
        wanted: How they were named, for the audit.
        is_cut: There are more; these are the oldest.
    """

    job_ids: tuple[int, ...]
    touched: tuple[Touched, ...]
    wanted: Mapping[str, Any]
    is_cut: bool = False

    @property
    def unknown_kinds(self) -> dict[str, int]:
        """Kinds that no queue takes any more, each with its number of jobs."""
        counts: dict[str, int] = {}
        for group in self.touched:
            if not group.is_known_kind:
                counts[group.kind] = counts.get(group.kind, 0) + group.jobs
        return counts

    @property
    def can_run(self) -> int:
        """How many can be requeued."""
        return len(self.job_ids) - sum(self.unknown_kinds.values())


class DeadOperations:
    """The list of the dead, for the command line and whoever else shows it.

    Args:
        dead: The list.
        jobs: The queues, and what is known of jobs that are not dead.
        lives: How long notifications of a kind are of use.
    """

    def __init__(self, dead: DeadJobs, jobs: Jobs, lives: Mapping[str, timedelta]) -> None:
        self._dead = dead
        self._jobs = jobs
        self._lives = lives

    async def list_newest(self, wanted: DeadFilter, limit: int) -> list[DeadJob]:
        """List dead jobs, newest first."""
        await self._check(wanted)
        return await self._dead.list_newest(wanted, limit)

    async def list_groups(
        self, kind: str | None, since: datetime | None, limit: int
    ) -> list[DeadGroup]:
        """List what jobs died of, the newest first."""
        await self._check(DeadFilter(kind=kind))
        return await self._dead.list_groups(kind, since, limit)

    async def choose_named(self, job_ids: Sequence[int]) -> Chosen:
        """Choose jobs by their ids.

        Raises:
            UsageError: One of them is not dead, or there are too many.
            StateError: One of them is not known.
        """
        ids = tuple(dict.fromkeys(job_ids))
        if len(ids) > MAX_JOBS_A_CALL:
            raise UsageError(f"more than {MAX_JOBS_A_CALL} ids", "name them by --kind or --since")
        known = await self._jobs.read(ids)
        unknown = [job_id for job_id in ids if job_id not in known]
        if unknown:
            raise StateError(f"no job {_some(unknown)}", "`gtr-jobs dead list` shows what is dead")
        living = [
            f"{job_id} is {known[job_id].state}" for job_id in ids if not _is_dead(known, job_id)
        ]
        if living:
            raise UsageError(f"only dead jobs can be requeued or discarded: job {_some(living)}")
        touched = await self._dead.preview(ids, self._lives)
        return Chosen(ids, tuple(touched), {"ids": list(ids)})

    async def choose(self, wanted: DeadFilter) -> Chosen:
        """Choose jobs by what they have in common, at most `MAX_JOBS_A_COMMAND`.

        Raises:
            UsageError: Nothing is said that could tell them from others.
        """
        if wanted.is_empty():
            raise UsageError(
                "which jobs?", "name ids, or --kind, --since, --fingerprint or --error-like"
            )
        await self._check(wanted)
        found = await self._dead.find(wanted, MAX_JOBS_A_COMMAND + 1)
        ids = tuple(found[:MAX_JOBS_A_COMMAND])
        touched = await self._dead.preview(ids, self._lives) if ids else []
        return Chosen(
            ids, tuple(touched), wanted.described(), is_cut=len(found) > MAX_JOBS_A_COMMAND
        )

    async def requeue(self, chosen: Chosen, rate: int, note: Note, report: Report) -> Requeued:
        """Try chosen jobs again, so many a second; give what came of it.

        Those that are no longer dead by then are left out: somebody else was faster.
        """
        jobs = deliveries = 0
        for number, part in enumerate(_parts(chosen.job_ids)):
            delay = number * MAX_JOBS_A_CALL / rate
            done = await self._dead.requeue(part, delay, rate, note)
            jobs += done.jobs
            deliveries += done.deliveries
            report(jobs, len(chosen.job_ids))
        return Requeued(jobs, deliveries)

    async def discard(self, chosen: Chosen, note: Note, report: Report) -> int:
        """Take chosen jobs off the list for good; give how many."""
        jobs = 0
        for part in _parts(chosen.job_ids):
            jobs += await self._dead.discard(part, note)
            report(jobs, len(chosen.job_ids))
        return jobs

    async def _check(self, wanted: DeadFilter) -> None:
        check_text("--error-like", wanted.error_like)
        if wanted.fingerprint is not None and not _FINGERPRINT.fullmatch(wanted.fingerprint):
            raise UsageError(
                f"{wanted.fingerprint!r} is no fingerprint",
                "`gtr-jobs dead list --group` shows them",
            )
        if wanted.kind is not None:
            check_name("kind", wanted.kind, await self._jobs.read_kinds())


def _is_dead(known: Mapping[int, Any], job_id: int) -> bool:
    return bool(known[job_id].state == "dead")


def _parts(job_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(job_ids), MAX_JOBS_A_CALL):
        yield job_ids[first : first + MAX_JOBS_A_CALL]


def _some(names: Sequence[object]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(str(name) for name in names[:5]) + more
