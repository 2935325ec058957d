"""The receipts queue: asks Expo what became of the pushes that it took.

tick ─▶ take tickets that are due ─▶ ask for their receipts ─▶ settle ─▶ the next ones, until none is due
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, assert_never

from gtr_jobs.db.tickets import Settlement, Ticket, Tickets
from gtr_jobs.domain.backoff import retry_delay
from gtr_jobs.domain.outcome import (
    Accepted,
    DeadTarget,
    Misconfigured,
    Outcome,
    Retry,
    Throttled,
    outcome_code,
)
from gtr_jobs.domain.receipt import (
    MISSING_CODE,
    Missing,
    Receipt,
    Told,
    Unread,
    code_after_receipt,
    state_after_receipt,
)
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import Done, HandBack, Job, JobEnd
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import ReceiptSource
from gtr_jobs.providers.rotating import RotatingProvider, name_its_settings
from gtr_jobs.tasks.each_tick import Tick, each_tick

# Six requests at a time, of three hundred each.
TICKETS_A_ROUND: Final = 1_800
# More than Expo takes of one project in the time between two ticks.
MOST_ROUNDS: Final = 200
# Expo forgets receipts after a day.
GIVE_UP_SECONDS: Final = 23 * 3600.0
# A push that is refused again and again is given up with this many tries.
MOST_TRIES: Final = 6
_SHORTEST_PAUSE_SECONDS: Final = 60.0
_LONGEST_DELAY_SECONDS: Final = 3600.0
_PROVIDER: Final = "expo"


class ReceiptsTask:
    """Does the jobs of the receipts queue.

    Args:
        tickets: What waits for a receipt.
        providers: Who has receipts, by app.
        wait_seconds: How long a ticket waits before it is asked for, and before it is again.
        log: Is told what came of pushes.
        metrics: Counts it.
    """

    queue: ClassVar[str] = "receipts"
    kinds: ClassVar[frozenset[str]] = frozenset({"expo_receipts"})
    most_jobs: ClassVar[int] = 1

    def __init__(
        self,
        *,
        tickets: Tickets,
        providers: Mapping[str, RotatingProvider],
        wait_seconds: float,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self._tickets = tickets
        self._providers = providers
        self._wait_seconds = wait_seconds
        self._log = log
        self._metrics = metrics
        self._handle = each_tick(self._read_due, log)

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do jobs one after another."""
        await self._handle(jobs, finish)

    async def _read_due(self, job: Job, tick: Tick) -> JobEnd:
        del tick  # what is due is due now, whenever it was to be asked for
        counted: Counter[str] = Counter()
        for _ in range(MOST_ROUNDS):
            if not may_send_now():
                return HandBack(delay=1.0)
            tickets = await self._tickets.take(self._wait_seconds, TICKETS_A_ROUND)
            if not tickets:
                break
            by_app: defaultdict[str, list[Ticket]] = defaultdict(list)
            for ticket in tickets:
                by_app[ticket.app].append(ticket)
            for app, its in by_app.items():
                counted += await self._write(app, its, await self._ask(app, its))
            # Whoever cannot be asked now is not asked for the rest either.
            if counted["unread"] or len(tickets) < TICKETS_A_ROUND:
                break
        if counted:
            self._log.info(
                events.RECEIPTS_READ,
                job_id=job.job_id,
                trace_id=job.trace_id,
                provider=_PROVIDER,
                receipts=dict(sorted(counted.items())),
            )
        return Done()

    async def _ask(self, app: str, tickets: Sequence[Ticket]) -> Mapping[str, Receipt]:
        ticket_ids = [ticket.ticket_id for ticket in tickets]
        if (provider := self._providers.get(app)) is not None:
            with provider.in_use() as source:
                if isinstance(source, ReceiptSource):
                    return await source.read_receipts(ticket_ids)
        cause = Misconfigured("not_configured", f"Expo is not on for the app {app}")
        return dict.fromkeys(ticket_ids, Unread(cause))

    async def _write(
        self, app: str, tickets: Sequence[Ticket], receipts: Mapping[str, Receipt]
    ) -> Counter[str]:
        one_round = _sort_out(tickets, receipts)
        counted = Counter({"missing": one_round.missing, "unread": len(one_round.unread)})
        settled = (
            await self._tickets.settle(list(one_round.told)) if one_round.told else frozenset()
        )
        for settlement, outcome in one_round.told.items():
            # What another worker settled is its to count.
            if settlement.ticket.dedupe_key in settled:
                counted[outcome.name if outcome is not None else "given_up"] += 1
                self._report(app, settlement, outcome)
        if one_round.unread:
            await self._put_off(list(one_round.unread), set(one_round.unread.values()))
        for name, count in counted.items():
            self._metrics.receipts.labels(app, _PROVIDER, name).inc(count)
        self._warn(app, {*one_round.told.values(), *one_round.unread.values()})
        return +counted

    async def _put_off(self, unread: Sequence[Ticket], causes: set[Outcome]) -> None:
        pauses = [
            cause.retry_after
            for cause in causes
            if isinstance(cause, Throttled | Retry) and cause.retry_after is not None
        ]
        pause = max(_SHORTEST_PAUSE_SECONDS, *pauses) if pauses else _SHORTEST_PAUSE_SECONDS
        # Never longer than they would wait anyway: an absurd pause loses no receipt.
        await self._tickets.put_off(unread, self._wait_seconds, min(pause, self._wait_seconds))

    def _report(self, app: str, settlement: Settlement, outcome: Outcome | None) -> None:
        if isinstance(outcome, DeadTarget):
            self._metrics.devices_dropped.labels(app, _PROVIDER, outcome.code).inc()
        if isinstance(outcome, Accepted):
            return
        self._log.info(
            events.PUSH_RECEIPT,
            trace_id=settlement.ticket.trace_id,
            kind=settlement.ticket.kind,
            delivery=str(settlement.ticket.dedupe_key),
            app=app,
            provider=_PROVIDER,
            outcome=settlement.outcome,
            code=settlement.code,
            state=settlement.state,
        )

    def _warn(self, app: str, outcomes: set[Outcome | None]) -> None:
        ours = {
            name_its_settings(outcome, app)
            for outcome in outcomes
            if isinstance(outcome, Misconfigured)
        }
        for outcome in sorted(ours, key=outcome_code):
            self._log.warning(
                events.RECEIPTS_MISCONFIGURED,
                app=app,
                provider=_PROVIDER,
                code=outcome.code,
                hint=outcome.detail,
            )


@dataclass(slots=True)
class _Round:
    """What came of asking once.

    Args:
        told: What is settled, and the outcome that a receipt told; None for what is given up.
        unread: What could not be asked for, and why.
        missing: How many have no receipt yet.
    """

    told: dict[Settlement, Outcome | None] = field(default_factory=dict)
    unread: dict[Ticket, Outcome] = field(default_factory=dict)
    missing: int = 0


def _sort_out(tickets: Sequence[Ticket], receipts: Mapping[str, Receipt]) -> _Round:
    found = _Round()
    for ticket in tickets:
        receipt = receipts.get(ticket.ticket_id, Missing())
        match receipt:
            case Told(outcome=outcome):
                found.told[_settle(ticket, outcome)] = outcome
            case Missing() | Unread() if ticket.age_seconds >= GIVE_UP_SECONDS:
                # Expo took it, which is all that will ever be known: it is not sent again.
                found.told[Settlement(ticket, "sent", Accepted.name, MISSING_CODE)] = None
            case Missing():
                found.missing += 1
            case Unread(cause=cause):
                found.unread[ticket] = cause
            case _:
                assert_never(receipt)
    return found


def _settle(ticket: Ticket, outcome: Outcome) -> Settlement:
    state = state_after_receipt(outcome, may_try_again=ticket.attempts < MOST_TRIES)
    return Settlement(
        ticket, state, outcome.name, code_after_receipt(outcome), _delay_after(ticket, outcome)
    )


def _delay_after(ticket: Ticket, outcome: Outcome) -> float:
    """Say how long a push waits that is tried again: twice as long each time."""
    hint = outcome.retry_after if isinstance(outcome, Retry | Throttled) else None
    if hint is not None:
        hint = min(_LONGEST_DELAY_SECONDS, hint * 2.0 ** (max(ticket.attempts, 1) - 1))
    return retry_delay(ticket.attempts, hint, random.random)
