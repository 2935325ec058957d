"""Writes the ends of jobs in batches, until their fate is known."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from itertools import chain

from psycopg import DatabaseError

from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.engine.job import Die, Done, HandBack, TryAgain
from gtr_jobs.engine.membership import Membership
from gtr_jobs.engine.queue import Ack, Queue
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger, logs_every_job
from gtr_jobs.observe.metrics import Metrics

MAX_ACKS_A_STATEMENT = 1000
# With so many unwritten acks a lane claims no more, until half of them are written.
_FAR_BEHIND = 4 * MAX_ACKS_A_STATEMENT

_END_NAMES: dict[type[Done | TryAgain | HandBack | Die], str] = {
    Done: "done",
    TryAgain: "retry",
    HandBack: "release",
    Die: "dead",
}


class Acker:
    """Takes acks and writes them: at once when idle, together when many come.

    Nothing waits on purpose: while one statement is under way, the acks of the next gather.
    """

    def __init__(
        self, queue: Queue, membership: Membership, outage: Outage, log: Logger, metrics: Metrics
    ) -> None:
        self._queue = queue
        self._membership = membership
        self._outage = outage
        self._log = log
        self._metrics = metrics
        self._waiting: deque[Ack] = deque()
        self._writing: list[Ack] = []
        self._came = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._gave_up = asyncio.Event()
        # Set while few acks wait to be written.
        self.keeps_up = asyncio.Event()
        self.keeps_up.set()

    def put(self, ack: Ack) -> None:
        """Take an ack; it is written soon."""
        self._waiting.append(ack)
        self._empty.clear()
        self._came.set()
        if len(self._waiting) >= _FAR_BEHIND:
            self.keeps_up.clear()

    def unwritten_claims(self) -> set[tuple[int, int]]:
        """List the claims whose acks were taken and are not known to be written."""
        return {ack.job.claim for ack in chain(self._writing, self._waiting)}

    async def run(self) -> None:
        """Write acks until cancelled."""
        while True:
            await self._came.wait()
            self._writing = [
                self._waiting.popleft()
                for _ in range(min(MAX_ACKS_A_STATEMENT, len(self._waiting)))
            ]
            await self._write(self._writing)
            self._writing = []
            if len(self._waiting) <= _FAR_BEHIND // 2:
                self.keeps_up.set()
            if not self._waiting:
                self._came.clear()
                self._empty.set()

    async def drain(self) -> None:
        """Wait until everything that was taken is written."""
        await self._empty.wait()

    async def _write(self, batch: list[Ack]) -> None:
        try:
            written = await self._write_until_known(batch)
        except DatabaseError as error:
            # The database will not take it, however often it is asked. One such ack must not keep
            # the others: alone it becomes a dead job, and says so.
            if len(batch) > 1:
                for ack in batch:
                    await self._write([ack])
            else:
                await self._bury(batch[0], error)
        else:
            self._report(batch, written)

    async def _write_until_known(self, batch: list[Ack]) -> frozenset[int]:
        is_in_doubt = False
        while True:
            try:
                written = await self._queue.ack_jobs(self._membership.worker_id, batch)
            except PASSING_ERRORS as error:
                # Until the database answers nobody knows whether it was written: ask again. The
                # claim number makes a second writing of the same ack do nothing.
                is_in_doubt = True
                await self._outage.wait_after(error, self._gave_up)
            else:
                self._outage.end()
                # Where an answer was lost, what is missing now was most likely written before.
                return frozenset(ack.job.job_id for ack in batch) if is_in_doubt else written

    async def _bury(self, refused: Ack, error: DatabaseError) -> None:
        death = Die(
            "ack_refused",
            f"the database refuses what came of it ({error.sqlstate or type(error).__name__})",
        )
        ack = Ack(refused.job, death)
        self._report([ack], await self._write_until_known([ack]))

    def _report(self, batch: list[Ack], written: frozenset[int]) -> None:
        ended = Counter(
            (ack.job.queue, ack.job.kind, _END_NAMES[type(ack.end)])
            for ack in batch
            if ack.job.job_id in written
        )
        lost = Counter(ack.job.queue for ack in batch if ack.job.job_id not in written)
        for (queue, kind, end), count in ended.items():
            self._metrics.in_flight.labels(queue).dec(count)
            self._metrics.jobs_ended.labels(queue, kind, end).inc(count)
        for queue, count in lost.items():
            self._metrics.in_flight.labels(queue).dec(count)
            self._metrics.jobs_lost.labels(queue).inc(count)
            self._log.warning(events.JOBS_LOST, queue=queue, jobs=count)
        if logs_every_job() or any(isinstance(ack.end, Die) for ack in batch):
            for ack in batch:
                if ack.job.job_id in written:
                    self._tell(ack)

    def _tell(self, ack: Ack) -> None:
        job = ack.job
        about = {
            "job_id": job.job_id,
            "queue": job.queue,
            "kind": job.kind,
            "trace_id": job.trace_id,
        }
        if isinstance(ack.end, Die):
            self._log.error(events.JOB_DIED, **about, code=ack.end.code, error=ack.end.error)
        else:
            self._log.debug(events.JOB_ENDED, **about, end=_END_NAMES[type(ack.end)])
