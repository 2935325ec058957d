"""The push queue: a batch of jobs becomes pushes on phones.

jobs ─▶ read the rows ─▶ word the notices ─▶ find the devices ─▶ leave out what was sent
     ─▶ ask a provider for each device ─▶ end each job with its deliveries
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Audience, Devices
from gtr_jobs.db.inbox import Inbox
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.db.sources import Sources
from gtr_jobs.domain.delivery import Channel, make_dedupe_key
from gtr_jobs.domain.outcome import Ambiguous, DeliveryState, Outcome, Skipped
from gtr_jobs.domain.sources import ChatMessage, Source, SourceRow
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import HandBack, Job
from gtr_jobs.engine.levers import Levers
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import end_after_fault
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import Provider
from gtr_jobs.tasks.accounts import Accounts
from gtr_jobs.tasks.arguments import name_rows, read_only_device
from gtr_jobs.tasks.envelope import (
    NOBODY,
    Envelope,
    Receiver,
    Served,
    settle_without_sending,
    word_message,
    word_note,
)
from gtr_jobs.tasks.holding import Sending, hold_all
from gtr_jobs.tasks.reports import Reports

# A provider's answers are written as they come in: the first hundred do not wait for the last.
PUSHES_A_CALL = 100
# How long jobs wait whose rows could not be read for now.
_UNREAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PushStore:
    """What the queue reads and writes.

    Args:
        sources: The rows that notifications are about.
        devices: Where people are reached.
        deliveries: What was sent before.
        inbox: The app's notifications, where chat messages are to stand among them; else None.
    """

    sources: Sources
    devices: Devices
    deliveries: Deliveries
    inbox: Inbox | None = None


class _Subject(NamedTuple):
    """What a job is about: the row that it names, or None where that is gone."""

    job: Job
    row_id: UUID
    row: SourceRow | None


class PushTask:
    """Does the jobs of the push queue.

    Args:
        kinds: Every kind of notification that is pushed.
        providers: Who serves which app's tokens of which kind; what is missing is not configured.
        store: What is read.
        scheme: Scheme of the app's deep links.
        levers: What operators switched.
    """

    queue: ClassVar[str] = "push"
    channel: ClassVar[Channel] = "push"

    def __init__(
        self,
        *,
        kinds: Sequence[Kind[Any]],
        providers: Mapping[Served, Provider],
        store: PushStore,
        scheme: str,
        levers: Levers,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._providers = providers
        self._store = store
        self._scheme = scheme
        self._levers = levers
        self._accounts = Accounts(providers.values(), self.kinds, levers, log, metrics)
        self._reports = Reports(self.queue, log, metrics)
        self._metrics = metrics

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do a batch of jobs, and end each as soon as its last device is answered for."""
        subjects = await self._read_rows(name_rows(jobs, finish), finish)
        await self._write_notes(subjects)
        people = {subject.row.recipient_id for subject in subjects if subject.row is not None}
        audience = await self._store.devices.read_audience(people) if people else Audience({}, {})
        now = datetime.now(UTC)
        envelopes = [
            envelope
            for subject in subjects
            if (envelope := self._address(subject, audience, now, finish)) is not None
        ]
        known = await self._read_known(envelopes)
        for envelope in envelopes:
            envelope.leave_out_settled(known)
            settle_without_sending(envelope, self._providers.keys(), self._levers.is_for, now)
            self._finish_if_settled(envelope, finish)
        await self._send(envelopes, finish)

    async def _read_rows(self, named: Sequence[tuple[Job, UUID]], finish: Finish) -> list[_Subject]:
        by_source: defaultdict[Source[Any], list[tuple[Job, UUID]]] = defaultdict(list)
        for job, row_id in named:
            by_source[self.kinds[job.kind].source].append((job, row_id))
        read = await asyncio.gather(
            *(self._read_source(source, its, finish) for source, its in by_source.items())
        )
        return [subject for subjects in read for subject in subjects]

    async def _read_source(
        self, source: Source[Any], named: Sequence[tuple[Job, UUID]], finish: Finish
    ) -> list[_Subject]:
        """Read the rows of one source; where its function fails, its jobs end and no others."""
        try:
            rows = await self._store.sources.read_rows(source, [row_id for _, row_id in named])
        except Exception as error:  # noqa: BLE001  (what stands on one table must not hold up what stands on others)
            self._reports.fault(error, len(named))
            is_passing = isinstance(error, PASSING_ERRORS)
            for job, _ in named:
                end = HandBack(_UNREAD_SECONDS) if is_passing else end_after_fault(job, error)
                finish(Ack(job, end))
            return []
        return [_Subject(job, row_id, rows.get(row_id)) for job, row_id in named]

    async def _write_notes(self, subjects: Sequence[_Subject]) -> None:
        """Write messages into the app's list of notifications, where it is to have them."""
        if self._store.inbox is None:
            return
        notes = [
            word_note(self.kinds[subject.job.kind], subject.row)
            for subject in subjects
            if isinstance(subject.row, ChatMessage)
        ]
        if notes:
            await self._store.inbox.write_messages(notes)

    def _address(
        self, subject: _Subject, audience: Audience, now: datetime, finish: Finish
    ) -> Envelope | None:
        try:
            return self._envelope(subject.job, subject.row_id, subject.row, audience, now)
        except Exception as error:  # noqa: BLE001  (one row that cannot be worded keeps no other from being sent)
            self._reports.fault(error, 1)
            finish(Ack(subject.job, end_after_fault(subject.job, error)))
            return None

    def _envelope(
        self, job: Job, row_id: UUID, row: SourceRow | None, audience: Audience, now: datetime
    ) -> Envelope:
        only = read_only_device(job)
        if row is None:
            return Envelope(
                job, None, None, [Receiver(make_dedupe_key(job.kind, row_id, only or row_id))]
            )
        message = word_message(self.kinds[job.kind], row, job, self._scheme, now)
        receivers = [
            Receiver(make_dedupe_key(job.kind, row_id, device.device_id), device)
            for device in audience.devices.get(row.recipient_id, [])
            if only in {None, device.device_id}
        ] or [Receiver(make_dedupe_key(job.kind, row_id, only or row.recipient_id))]
        return Envelope(
            job,
            row.recipient_id,
            message,
            receivers,
            badge=audience.badges.get(row.recipient_id, 0),
        )

    async def _read_known(self, envelopes: Sequence[Envelope]) -> Mapping[UUID, DeliveryState]:
        """Read what earlier runs of these jobs came to; a job's first run has nothing to read."""
        again = [envelope for envelope in envelopes if envelope.job.runs_again]
        if not again:
            return {}
        return await self._store.deliveries.read_states(
            {envelope.job.event_day for envelope in again},
            [receiver.dedupe_key for envelope in again for receiver in envelope.receivers],
        )

    async def _send(self, envelopes: Sequence[Envelope], finish: Finish) -> None:
        waiting: defaultdict[Served, list[Sending]] = defaultdict(list)
        for envelope in envelopes:
            for receiver, push in envelope.pushes():
                if (kind := push.target.kind) is not None:
                    waiting[push.target.app, kind].append((envelope, receiver, push))
        await asyncio.gather(
            *(
                self._send_when_let(self._providers[served], chunk, finish)
                for served, pushes in waiting.items()
                for chunk in self._cut(self._providers[served], pushes)
            )
        )
        for envelope in envelopes:
            if not envelope.is_settled:
                finish(envelope.put_off())

    def _cut(self, provider: Provider, pushes: Sequence[Sending]) -> Iterator[Sequence[Sending]]:
        size = self._levers.most_at_once("channel", self.channel, PUSHES_A_CALL)
        size = self._levers.most_at_once("provider", provider.name, size)
        for first in range(0, len(pushes), size):
            yield pushes[first : first + size]

    async def _send_when_let(
        self, provider: Provider, chunk: Sequence[Sending], finish: Finish
    ) -> None:
        """Send what operators let through, as fast as they let it; leave the rest for later."""
        sent = await self._accounts.let_through(self.queue, provider, chunk)
        if await self._levers.take("channel", self.channel, len(sent)) and await self._levers.take(
            "provider", provider.name, self._accounts.count_tokens(provider, sent)
        ):
            # It may have been paused meanwhile.
            sent = await self._accounts.let_through(self.queue, provider, sent)
            if sent:
                await self._send_chunk(provider, sent, finish)
        else:
            hold_all(sent, "rate_limited")
        for envelope in {id(envelope): envelope for envelope, _, _ in chunk}.values():
            if envelope.held:
                self._finish_if_settled(envelope, finish)

    async def _send_chunk(
        self, provider: Provider, chunk: Sequence[Sending], finish: Finish
    ) -> None:
        if not may_send_now():
            return
        answered: list[tuple[Sending, Outcome]]
        try:
            outcomes = await provider.send([push for _, _, push in chunk])
            answered = list(zip(chunk, outcomes, strict=True))
        except Exception as error:  # noqa: BLE001  (what other chunks sent must still be written)
            self._reports.fault(error, len(chunk))
            answered = [(sent, Ambiguous("provider_fault")) for sent in chunk]
        for (envelope, receiver, _), outcome in await self._accounts.hold_unasked(
            provider, answered
        ):
            envelope.settle(receiver, outcome, provider.name)
            self._reports.answer(envelope.job, receiver, provider.name, outcome)
            self._finish_if_settled(envelope, finish)

    def _finish_if_settled(self, envelope: Envelope, finish: Finish) -> None:
        if envelope.is_settled:
            for delivery in envelope.deliveries:
                if isinstance(delivery.outcome, Skipped):
                    self._metrics.delivery_attempts.labels(NOBODY, NOBODY, "skipped").inc()
            finish(envelope.ack())
