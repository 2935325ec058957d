"""A lane: claims many jobs of one queue at a time and hands them to a batch handler."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat

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

MAX_JOBS_A_CLAIM = 1000
# How long a job of a kind that this version does not know is left to a newer worker.
UNKNOWN_KIND_SECONDS = 30.0
# How often what the database says that this worker is doing is compared with what it is doing.
COMPARE_SECONDS = 10.0
# A row may be committed just as its worker falls asleep, unheard: look again soon, then every second.
_LOOK_AGAIN_SECONDS = (0.01, 0.05, 0.2)
_POLL_SECONDS = 1.0


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


class Lane:
    """One queue's way through this process."""

    def __init__(self, spec: LaneSpec, context: EngineContext) -> None:
        self._spec = spec
        self._context = context
        self._call = context.wake_up.call_for(spec.queue)
        self._gate = context.gate_of(spec.queue, spec.channel)
        self._open_claims: set[tuple[int, int]] = set()
        self._compare_at = time.monotonic() + COMPARE_SECONDS
        self._room = asyncio.Event()
        self._batches: set[asyncio.Task[None]] = set()
        context.membership.when_given_up(self._drop_batches)

    @property
    def queue(self) -> str:
        """The queue that it drains."""
        return self._spec.queue

    async def run(self, stopping: asyncio.Event) -> None:
        """Claim and hand over until the daemon stops; what was handed over then still runs."""
        while not stopping.is_set():
            try:
                await self._wait_for_room(stopping)
                if stopping.is_set():
                    return
                if not await self._gate.is_open():
                    await self._gate.wait_for_change(stopping)
                    await self._compare_when_due()
                    continue
                jobs = await self._next_jobs(stopping)
            except PASSING_ERRORS as error:
                # A claim may have been done all the same: look as soon as the database is back.
                self._compare_at = 0.0
                await self._context.outage.wait_after(error, stopping)
                continue
            self._context.outage.end()
            if jobs:
                self._open_claims.update(job.claim for job in jobs)
                is_admitted = await self._gate.admit(jobs, stopping)
                self._start(jobs) if is_admitted else self._hand_back(jobs)

    async def finish(self, grace_seconds: float, hurry: asyncio.Event) -> None:
        """Let running batches end, for so long or until told to hurry; hand the rest back."""
        deadline = time.monotonic() + grace_seconds
        hurried = asyncio.ensure_future(hurry.wait())
        while self._batches and not hurry.is_set() and time.monotonic() < deadline:
            await asyncio.wait(
                {*self._batches, hurried},
                timeout=deadline - time.monotonic(),
                return_when=asyncio.FIRST_COMPLETED,
            )
        hurried.cancel()
        for batch in self._batches:
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)

    async def _wait_for_room(self, stopping: asyncio.Event) -> None:
        # Small claims cost as much as large ones: wait until a fair part of the limit is free.
        while not stopping.is_set() and not self._may_claim():
            self._room.clear()
            await _first_of(self._room, stopping, timeout_seconds=_POLL_SECONDS)
            await self._compare_when_due()
        # What is done and not written is held in memory, and lost with this process: it stays little.
        keeps_up = self._context.acker.keeps_up
        while not keeps_up.is_set() and not stopping.is_set():
            await _first_of(keeps_up, stopping, timeout_seconds=_POLL_SECONDS)
            await self._compare_when_due()

    def _may_claim(self) -> bool:
        has_room = len(self._open_claims) <= self._spec.limit * 3 // 4
        return has_room and self._may_send()

    def _may_send(self) -> bool:
        return self._context.may_claim(sends=self._spec.sends)

    def _drop_batches(self) -> None:
        for batch in self._batches:
            batch.cancel()

    async def _next_jobs(self, stopping: asyncio.Event) -> list[Job]:
        if stopping.is_set():
            return []
        jobs = await self._claim()
        if jobs or stopping.is_set():
            return jobs
        queue, worker_id = self._spec.queue, self._context.membership.worker_id
        self._call.clear()
        # Who hears no call does not ask for one.
        is_listening = self._context.wake_up.is_listening
        if is_listening:
            await self._context.queue.fall_asleep(queue, worker_id)
        try:
            for longest in _naps():
                if stopping.is_set():
                    break
                if is_listening and longest == _POLL_SECONDS:
                    # The table of sleepers does not outlive a crash of the server, nor its own growth.
                    await self._context.queue.fall_asleep(queue, worker_id)
                jobs = await self._claim()
                if jobs or stopping.is_set() or not await self._gate.is_open():
                    break
                seconds = self._gate.nap(longest, is_busy=bool(self._open_claims))
                await _first_of(self._call, stopping, timeout_seconds=seconds)
                if (
                    stopping.is_set()
                    or not self._may_send()
                    or is_listening != self._context.wake_up.is_listening
                ):
                    break
                self._call.clear()
        finally:
            # Whoever is called in vain looks once more; a job that was claimed must be started.
            if is_listening:
                with suppress(*PASSING_ERRORS):
                    await self._context.queue.stay_awake(queue, worker_id)
        return jobs

    async def _claim(self) -> list[Job]:
        await self._compare_when_due()
        free = min(MAX_JOBS_A_CLAIM, self._spec.limit - len(self._open_claims))
        worker_id = self._context.membership.worker_id
        jobs = await self._gate.claim(worker_id, free)
        if jobs:
            self._context.metrics.jobs_claimed.labels(self._spec.queue).inc(len(jobs))
            self._context.metrics.in_flight.labels(self._spec.queue).inc(len(jobs))
            self._context.log.debug(events.JOBS_CLAIMED, queue=self._spec.queue, jobs=len(jobs))
        return jobs

    async def _compare_when_due(self) -> None:
        """Release what the database holds this worker to be doing and it is not.

        Here, between two claims, no claim of this lane is under way. What is claimed and not ended, and what
        has ended and is not known to be written, is this worker's.
        """
        if time.monotonic() < self._compare_at:
            return
        queue, worker_id = self._spec.queue, self._context.membership.worker_id
        known = self._open_claims | self._context.acker.unwritten_claims()
        unowned = await self._context.queue.release_unknown_jobs(queue, worker_id, known)
        self._context.outage.end()
        self._compare_at = time.monotonic() + COMPARE_SECONDS
        self._context.metrics.jobs_unowned.labels(queue).set(unowned)
        if unowned:
            self._context.metrics.jobs_rescued.labels("released").inc(unowned)
            self._context.log.warning(events.JOBS_UNOWNED, queue=queue, released=unowned)

    def _hand_back(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._open_claims.discard(job.claim)
            self._context.acker.put(Ack(job, HandBack()))

    def _start(self, jobs: list[Job]) -> None:
        batch = asyncio.create_task(self._run_batch(jobs))
        self._batches.add(batch)
        batch.add_done_callback(self._batches.discard)

    async def _run_batch(self, jobs: list[Job]) -> None:
        open_jobs = {job.job_id: job for job in jobs}

        def finish(ack: Ack) -> None:
            if open_jobs.pop(ack.job.job_id, None) is not None:
                self._open_claims.discard(ack.job.claim)
                self._room.set()
                self._gate.note_end()
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
            finish_rest(lambda _: HandBack(delay=_POLL_SECONDS))
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
            finish(Ack(job, HandBack(delay=_POLL_SECONDS)))

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


def _naps() -> Iterator[float]:
    return chain(_LOOK_AGAIN_SECONDS, repeat(_POLL_SECONDS))


async def _first_of(*awaited: asyncio.Event, timeout_seconds: float) -> None:
    """Wait until one of the events is set, or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in awaited]
    try:
        await asyncio.wait(waits, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
