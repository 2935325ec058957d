"""Asks the provider of texts what they cost and what became of them: it tells no price by itself.

tick ─▶ take texts without a price that are due ─▶ read the provider's record of each ─▶ write it as a report
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final
from uuid import UUID

from gtr_jobs.db.outgoing import OutgoingMessages
from gtr_jobs.db.reports import Reports
from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.domain.sms import Found
from gtr_jobs.engine.batches import Finish, Handler
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import Done, HandBack, Job, JobEnd
from gtr_jobs.engine.levers import Levers
from gtr_jobs.observe.logs import Logger
from gtr_jobs.providers.message_base import SmsProvider
from gtr_jobs.tasks.each_tick import Tick, each_tick
from gtr_jobs.tasks.message_items import RECORDS_KIND

TEXTS_A_ROUND: Final = 200
MOST_ROUNDS: Final = 20
# Texts that wait to be sent need the connections more.
_AT_ONCE: Final = 4


class RecordsTask:
    """Does the ticks at which texts are asked for.

    Args:
        provider: Who carried them.
        store: The texts.
        reports: Where the answers go.
        levers: What operators switched: asking counts as sending does.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({RECORDS_KIND})

    def __init__(
        self,
        *,
        provider: SmsProvider,
        store: OutgoingMessages,
        reports: Reports,
        levers: Levers,
        log: Logger,
    ) -> None:
        self._provider = provider
        self._store = store
        self._reports = reports
        self._levers = levers
        self._handle = each_tick(self._read_due, log)
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do ticks one after another."""
        await self._handle(jobs, finish)

    async def _read_due(self, job: Job, tick: Tick) -> JobEnd:
        del job, tick  # what is due is due now
        for _ in range(MOST_ROUNDS):
            if not may_send_now():
                return HandBack(delay=1.0)
            due = await self._store.take_unpriced(self._provider.name, TEXTS_A_ROUND)
            await asyncio.gather(*(self._read(*one) for one in due))
            if len(due) < TEXTS_A_ROUND:
                break
        return Done()

    async def _read(self, delivery_id: UUID, provider_id: str) -> None:
        async with self._turn:
            if not await self._levers.take("provider", self._provider.name):
                return
            finding = await self._provider.read(provider_id)
        if not isinstance(finding, Found):
            # It is asked again later.
            return
        record = finding.record
        await self._reports.record(
            DeliveryReport(
                provider=self._provider.name,
                provider_id=provider_id,
                delivery_id=delivery_id,
                status=record.raw_status or record.status,
                error_code=record.error_code or None,
                price=record.cost.amount if record.cost is not None else None,
                currency=record.cost.currency if record.cost is not None else None,
            )
        )


def with_records(send: Handler, records: RecordsTask) -> Handler:
    """Make one handler of a queue's two kinds of jobs."""

    async def handle(jobs: Sequence[Job], finish: Finish) -> None:
        ticks = [job for job in jobs if job.kind in records.kinds]
        texts = [job for job in jobs if job.kind not in records.kinds]
        await asyncio.gather(
            *([records(ticks, finish)] if ticks else []), *([send(texts, finish)] if texts else [])
        )

    return handle
