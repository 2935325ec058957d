"""The match queue: a listing that is offered is told to those who saved a search that it fits.

It has a lane of its own: telling thousands takes seconds, in which no chat message may wait. The
pushes themselves are jobs of the push queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from gtr_jobs.db.searches import Searches
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job, JobEnd
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.tasks.one_by_one import one_by_one

# How many people are told in one transaction. Each page is one query: most listings have one page.
PEOPLE_A_PAGE = 5_000

_FIRST = UUID(int=0)


class MatchTask:
    """Does the jobs of the match queue.

    Args:
        searches: Who is told.
    """

    queue: ClassVar[str] = "match"
    kinds: ClassVar[frozenset[str]] = frozenset({"match_saved_searches"})
    # One at a time, on one connection: the rest of the worker needs the others.
    most_jobs: ClassVar[int] = 50

    def __init__(self, *, searches: Searches, log: Logger) -> None:
        self._searches = searches
        self._log = log
        self._handle = one_by_one(self._tell_all, log)

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do jobs one after another, and end each by itself."""
        await self._handle(jobs, finish)

    async def _tell_all(self, job: Job, listing_id: UUID) -> JobEnd:
        """Tell page after page; one that was told before an interruption is told nothing again."""
        fitting, told, after = 0, 0, _FIRST
        while True:
            page = await self._searches.tell_of(
                listing_id, after=after, limit=PEOPLE_A_PAGE, trace_id=job.trace_id
            )
            fitting += page.fitting
            told += page.told
            if page.fitting < PEOPLE_A_PAGE or page.last_user_id is None:
                break
            after = page.last_user_id
        self._log.info(
            events.SEARCHES_MATCHED,
            trace_id=job.trace_id,
            job_id=job.job_id,
            fitting=fitting,
            told=told,
        )
        return Done()
