"""A lane: claims many jobs of one queue at a time and hands them to a batch handler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.engine.batches import Batches, LaneSpec
from gtr_jobs.engine.context import EngineContext
from gtr_jobs.engine.job import Job
from gtr_jobs.observe import events

MAX_JOBS_A_CLAIM = 1000
# How often what the database says that this worker is doing is compared with what it is doing.
COMPARE_SECONDS = 10.0
# A row may be committed just as its worker falls asleep, unheard: look again soon, then every second.
_LOOK_AGAIN_SECONDS = (0.01, 0.05, 0.2)
_POLL_SECONDS = 1.0


class Lane:
    """One queue's way through this process."""

    def __init__(self, spec: LaneSpec, context: EngineContext) -> None:
        self._spec = spec
        self._context = context
        self._call = context.wake_up.call_for(spec.queue)
        self._gate = context.gate_of(spec.queue, spec.channel)
        self._compare_at = time.monotonic() + COMPARE_SECONDS
        self._batches = Batches(spec, context, self._gate.note_end, self._may_send)
        context.membership.when_given_up(self._batches.drop)

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
                self._batches.take(jobs)
                is_admitted = await self._gate.admit(jobs, stopping)
                self._batches.start(jobs) if is_admitted else self._batches.hand_back(jobs)

    async def finish(self, grace_seconds: float, hurry: asyncio.Event) -> None:
        """Let running batches end, for so long or until told to hurry; hand the rest back."""
        await self._batches.finish(grace_seconds, hurry)

    async def _wait_for_room(self, stopping: asyncio.Event) -> None:
        # Small claims cost as much as large ones: wait until a fair part of the limit is free.
        while not stopping.is_set() and not self._may_claim():
            self._batches.room.clear()
            await _first_of(self._batches.room, stopping, timeout_seconds=_POLL_SECONDS)
            await self._compare_when_due()
        # What is done and not written is held in memory, and lost with this process: it stays little.
        keeps_up = self._context.acker.keeps_up
        while not keeps_up.is_set() and not stopping.is_set():
            await _first_of(keeps_up, stopping, timeout_seconds=_POLL_SECONDS)
            await self._compare_when_due()

    def _may_claim(self) -> bool:
        has_room = len(self._batches.open_claims) <= self._spec.limit * 3 // 4
        return has_room and self._may_send()

    def _may_send(self) -> bool:
        return self._context.may_claim(sends=self._spec.sends)

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
                seconds = self._gate.nap(longest, is_busy=bool(self._batches.open_claims))
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
        free = min(MAX_JOBS_A_CLAIM, self._spec.limit - len(self._batches.open_claims))
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
        known = self._batches.open_claims | self._context.acker.unwritten_claims()
        unowned = await self._context.queue.release_unknown_jobs(queue, worker_id, known)
        self._context.outage.end()
        self._compare_at = time.monotonic() + COMPARE_SECONDS
        self._context.metrics.jobs_unowned.labels(queue).set(unowned)
        if unowned:
            self._context.metrics.jobs_rescued.labels("released").inc(unowned)
            self._context.log.warning(events.JOBS_UNOWNED, queue=queue, released=unowned)


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
