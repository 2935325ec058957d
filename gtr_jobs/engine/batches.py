"""What a lane handed over: batches that run, and what is done with jobs that their handler leaves open."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.engine.context import EngineContext
from gtr_jobs.engine.fence import set_fence
from gtr_jobs.engine.job import HandBack, Job, JobEnd
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import end_after_fault
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of

Finish = Callable[[Ack], None]
# Does a batch of jobs, and says of each, as soon as it is known, how it ended.
Handler = Callable[[Sequence[Job], Finish], Awaitable[None]]

# How long a job of a kind that this version does not know is left to a newer worker.
UNKNOWN_KIND_SECONDS = 30.0
_SOON_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """What runs in a lane.

    Args:
        queue: Where its jobs come from.
        kinds: The kinds of job that the handler knows.
        handler: Does a batch.
        limit: How many jobs may be claimed and not ended.
        channel: What all of them send by; None where they send nothing, or by several.
        sends: What it does reaches people; it is paused when the database was restored.
    """

    queue: str
    kinds: frozenset[str]
    handler: Handler
    limit: int
    channel: str | None = None
    sends: bool = True


class JobsLeftOpenError(Exception):
    """A handler returned without saying of every job how it ended."""


class Batches:
    """The batches of one lane.

    Args:
        spec: What the lane is.
        context: The engine.
        note_end: Called for every job that ended.
        may_send: Whether a batch may be begun, and what it sends may be sent.
    """

    def __init__(
        self,
        spec: LaneSpec,
        context: EngineContext,
        note_end: Callable[[], None],
        may_send: Callable[[], bool],
    ) -> None:
        self._spec = spec
        self._context = context
        self._note_end = note_end
        self._may_send = may_send
        self._running: set[asyncio.Task[None]] = set()
        # What was claimed and has not ended.
        self.open_claims: set[tuple[int, int]] = set()
        # Set when a job ended; whoever waits for it clears it first.
        self.room = asyncio.Event()

    def take(self, jobs: Sequence[Job]) -> None:
        """Hold claimed jobs; start them, or hand them back."""
        self.open_claims.update(job.claim for job in jobs)

    def hand_back(self, jobs: list[Job]) -> None:
        """Give claimed jobs back untouched."""
        for job in jobs:
            self.open_claims.discard(job.claim)
            self._context.acker.put(Ack(job, HandBack()))

    def start(self, jobs: list[Job]) -> None:
        """Hand claimed jobs over; they run until each of them has ended."""

        def end(batch: asyncio.Task[None]) -> None:
            self._running.discard(batch)
            # A batch that was broken off before its first step has not heard of it.
            if batch.cancelled():
                self.hand_back(jobs)

        batch = asyncio.create_task(self._run_batch(jobs))
        self._running.add(batch)
        batch.add_done_callback(end)

    async def finish(self, grace_seconds: float, hurry: asyncio.Event) -> None:
        """Let running batches end, for so long or until told to hurry; hand the rest back."""
        deadline = time.monotonic() + grace_seconds
        hurried = asyncio.ensure_future(hurry.wait())
        while self._running and not hurry.is_set() and time.monotonic() < deadline:
            await asyncio.wait(
                {*self._running, hurried},
                timeout=deadline - time.monotonic(),
                return_when=asyncio.FIRST_COMPLETED,
            )
        hurried.cancel()
        self.drop()
        await asyncio.gather(*self._running, return_exceptions=True)

    def drop(self) -> None:
        """Break every running batch off: its open jobs go back, and may have been sent."""
        for batch in self._running:
            batch.cancel()

    async def _run_batch(self, jobs: list[Job]) -> None:
        open_jobs = {job.job_id: job for job in jobs}

        def finish(ack: Ack) -> None:
            if open_jobs.pop(ack.job.job_id, None) is not None:
                self.open_claims.discard(ack.job.claim)
                self.room.set()
                self._note_end()
                self._context.acker.put(ack)

        def finish_rest(end_of: Callable[[Job], JobEnd]) -> None:
            for job in list(open_jobs.values()):
                finish(Ack(job, end_of(job)))

        known = self._sort_out_unknown(jobs, finish)
        set_fence(self._may_send)
        try:
            await self._hand_over(known, finish)
        except asyncio.CancelledError:
            finish_rest(lambda _: HandBack(was_maybe_sent=True))
        except PASSING_ERRORS as error:
            self._report_fault(error, len(open_jobs))
            finish_rest(lambda _: HandBack(delay=_SOON_SECONDS))
        except Exception as error:  # noqa: BLE001  (a fault in one batch must not end the lane)
            fault = error
            self._report_fault(fault, len(open_jobs))
            finish_rest(lambda job: end_after_fault(job, fault))
        else:
            if open_jobs:
                left_open = JobsLeftOpenError()
                self._report_fault(left_open, len(open_jobs))
                finish_rest(lambda job: end_after_fault(job, left_open))

    async def _hand_over(self, jobs: Sequence[Job], finish: Finish) -> None:
        if self._may_send():
            await self._spec.handler(jobs, finish)
            return
        for job in jobs:
            finish(Ack(job, HandBack(delay=_SOON_SECONDS)))

    def _sort_out_unknown(self, jobs: list[Job], finish: Finish) -> list[Job]:
        known = [job for job in jobs if job.kind in self._spec.kinds]
        if len(known) < len(jobs):
            for job in jobs:
                if job.kind not in self._spec.kinds:
                    finish(Ack(job, HandBack(delay=UNKNOWN_KIND_SECONDS)))
        waits: defaultdict[str, list[float]] = defaultdict(list)
        for job in known:
            waits[job.kind].append(job.waited_seconds)
        for kind, seconds in waits.items():
            self._context.metrics.queue_wait.observe((self._spec.queue, kind), seconds)
        return known

    def _report_fault(self, error: Exception, jobs: int) -> None:
        self._context.log.error(
            events.HANDLER_FAILED,
            queue=self._spec.queue,
            error=type(error).__name__,
            where=places_of(error),
            jobs=jobs,
        )
