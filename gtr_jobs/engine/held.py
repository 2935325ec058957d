"""Jobs that wait for the end of a pause: put off in batches, noted, and brought back in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg_pool import AsyncConnectionPool

from gtr_jobs.engine.job import Job
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger

JOBS_A_STATEMENT = 2000


class HeldJobs:
    """What pauses keep from being done, in the database."""

    def __init__(self, pool: AsyncConnectionPool, log: Logger) -> None:
        self._pool = pool
        self._log = log

    async def set_aside_paused(self, queue: str) -> int:
        """Put off the jobs of paused kinds at the head of a queue; give how many there were."""
        jobs = int(
            await self._value("select gtr_jobs.set_aside_paused(%s, %s)", queue, JOBS_A_STATEMENT)
        )
        if jobs:
            self._log.info(events.JOBS_SET_ASIDE, queue=queue, jobs=jobs)
        return jobs

    async def note(self, scope: str, name: str, jobs: Sequence[Job]) -> None:
        """Note that claims are put off because of a pause, so that its end brings them back.

        The note comes before the ack: a job with a note that is not put off runs again by itself.
        """
        self._log.info(events.JOBS_SET_ASIDE, paused=f"{scope} {name}", jobs=len(jobs))
        for first in range(0, len(jobs), 1000):
            some = jobs[first : first + 1000]
            await self._value(
                "select gtr_jobs.note_held_jobs(%s, %s, %s::bigint[], %s::bigint[])",
                scope,
                name,
                [job.job_id for job in some],
                [job.claim_number for job in some],
            )

    async def bring_back(self) -> bool:
        """Make some jobs due again whose pause is over; say whether there may be more of them."""
        jobs = int(await self._value("select gtr_jobs.bring_back_jobs(%s)", JOBS_A_STATEMENT))
        if jobs:
            self._log.info(events.JOBS_BROUGHT_BACK, jobs=jobs)
        return jobs == JOBS_A_STATEMENT

    async def _value(self, query: str, *parameters: object) -> Any:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            row = await cursor.fetchone()
        return row[0] if row else None
