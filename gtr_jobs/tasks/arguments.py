"""What a job's arguments say."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Die, Job
from gtr_jobs.engine.queue import Ack


def name_rows(jobs: Sequence[Job], finish: Finish) -> list[tuple[Job, UUID]]:
    """Read which row each job is about; a job that names none is dead."""
    named = []
    for job in jobs:
        try:
            named.append((job, UUID(job.args["id"])))
        except (KeyError, TypeError, ValueError, AttributeError):
            death = Die("bad_arguments", 'the job\'s arguments name no row: want {"id": uuid}')
            finish(Ack(job, death))
    return named


def read_only_device(job: Job) -> UUID | None:
    """Read which device alone a push is tried again for; None where it is for all of them."""
    only = job.args.get("only_device")
    return UUID(only) if only is not None else None
