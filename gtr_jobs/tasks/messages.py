"""Texts and e-mails: one ledger and one way for both, on which nothing is sent twice by itself.

jobs ─▶ read the messages ─▶ clear up what earlier attempts left open ─▶ word the others
     ─▶ write for good that the provider is about to be called ─▶ call it, once
     ─▶ end each job with its outcome, in one transaction
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import assert_never

from gtr_jobs.db.outgoing import OutgoingMessages
from gtr_jobs.domain.outcome import Accepted, Ambiguous, Outcome, Skipped
from gtr_jobs.domain.sms import Absent, CannotTell, Found
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.job import Done, Job, TryAgain
from gtr_jobs.engine.levers import Levers
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import Attempted, end_after
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.tasks.accounts import Accounts
from gtr_jobs.tasks.arguments import name_rows
from gtr_jobs.tasks.asking import Asking
from gtr_jobs.tasks.clearing import (
    Ask,
    Close,
    GiveUp,
    Send,
    Settle,
    Step,
    Wait,
    next_step,
    step_when_absent,
)
from gtr_jobs.tasks.courier import Courier, Letter
from gtr_jobs.tasks.message_items import MESSAGE_KINDS, UNKNOWN_CODE, Item, Ready
from gtr_jobs.tasks.message_reports import MessageReports
from gtr_jobs.tasks.sending import MessageRules, Sending

# More than an account sends in a second; what waits longer than it must is better left to other workers.
MESSAGES_AT_ONCE = 200


class MessageTask:
    """Does the jobs of a channel's queue.

    Args:
        courier: The way out.
        store: The messages.
        worker_id: Gives the number under which this worker claims.
        rules: What operators decide.
        levers: What operators switched.
    """

    def __init__(
        self,
        *,
        courier: Courier,
        store: OutgoingMessages,
        worker_id: Callable[[], int],
        rules: MessageRules,
        levers: Levers,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self.queue = courier.channel
        self.kinds = frozenset({MESSAGE_KINDS[courier.channel]})
        self._courier = courier
        self._store = store
        self._rules = rules
        self._levers = levers
        self._reports = MessageReports(courier, log, metrics)
        self._asking = Asking(courier, store, levers, self._reports)
        self._sending = Sending(
            courier=courier,
            store=store,
            worker_id=worker_id,
            rules=rules,
            levers=levers,
            accounts=Accounts([courier], {}, levers, log, metrics),
            reports=self._reports,
        )

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Do a batch of jobs, and end each as soon as its message is answered for."""
        if await self._sending.hold_paused(jobs, finish):
            return
        named = name_rows(jobs, finish)
        read = await self._store.read([delivery_id for _, delivery_id in named])
        items: list[Item] = []
        for job, delivery_id in named:
            if delivery_id in read:
                items.append(Item(job, read[delivery_id], self._courier))
            else:
                # Forgotten: nobody asks for it any more.
                finish(Ack(job, Done()))
        steps = [
            (item, next_step(item.message, self._rules.delays, can_ask=self._courier.can_ask))
            for item in items
        ]
        ready = [
            one
            for item, step in steps
            if not isinstance(step, Ask) and (one := self._take(item, step, finish)) is not None
        ]
        asked = [(item, step) for item, step in steps if isinstance(step, Ask)]
        # Whoever is to be sent something does not wait for answers about others.
        ends = await asyncio.gather(
            self._sending.send_all(ready, finish),
            *(self._clear_up(item, step, finish) for item, step in asked),
            return_exceptions=True,
        )
        for end in ends:
            # What the others came to is written by now.
            if isinstance(end, BaseException):
                raise end

    async def _clear_up(self, item: Item, ask: Ask, finish: Finish) -> None:
        """Ask for a message of which nobody knows, and send it again where it is proved that it was not taken."""
        step = await self._ask(item, ask, finish)
        ready = self._take(item, step, finish) if step is not None else None
        if ready is not None:
            await self._sending.send_all([ready], finish)

    def _take(self, item: Item, step: Step, finish: Finish) -> Ready | None:
        job, message = item.job, item.message
        match step:
            case Close():
                finish(Ack(job, Done()))
            case Settle(outcome=outcome):
                self._settle(item, outcome, finish)
            case Wait(seconds=seconds):
                self._wait(item, seconds, finish)
            case GiveUp():
                self._give_up(item, finish)
            case Send(is_again=is_again):
                if not self._levers.is_for(message.template, message.user_id):
                    self._settle(item, Skipped("not_in_ramp"), finish)
                    return None
                letter = self._courier.word(message, message.address or "")
                if isinstance(letter, Letter):
                    return Ready(item, letter, is_again)
                self._settle(item, letter, finish)
            case Ask():
                raise AssertionError("it was asked before")
            case _:
                assert_never(step)
        return None

    async def _ask(self, item: Item, step: Ask, finish: Finish) -> Step | None:
        """Ask the provider whether it has a message; give what follows, None where that is done."""
        attempt = item.message.attempt
        finding = await self._asking.find(item.message)
        match finding:
            case Found(record=record):
                self._reports.cleared(item.job, item.message, "found")
                outcome = Accepted(record.provider_id, segments=record.segments, cost=record.cost)
                delivery = item.delivery(
                    outcome, attempt.token if attempt else None, is_attempt=False
                )
                finish(Ack(item.job, Done(), [delivery]))
                return None
            case Absent() | CannotTell() if step.again_in is not None:
                return Wait(step.again_in)
            case Absent():
                self._reports.cleared(item.job, item.message, "absent")
                return step_when_absent(item.message)
            case CannotTell():
                return GiveUp()
            case _:
                assert_never(finding)

    def _settle(self, item: Item, outcome: Outcome, finish: Finish) -> None:
        end = end_after(item.job, [Attempted(self._courier.name, outcome)])
        self._reports.attempt(item.job, item.message, outcome)
        finish(Ack(item.job, end, [item.delivery(outcome)]))

    def _wait(self, item: Item, seconds: float, finish: Finish) -> None:
        attempt = item.message.attempt
        is_orphan = (
            item.message.state == "sending" and attempt is not None and attempt.deadline_in <= 0
        )
        deliveries = [item.delivery(Ambiguous("worker_lost"))] if is_orphan else []
        finish(Ack(item.job, TryAgain(seconds, uses_attempt=False), deliveries))

    def _give_up(self, item: Item, finish: Finish) -> None:
        self._reports.cleared(item.job, item.message, "unknown")
        finish(
            Ack(
                item.job,
                item.death(),
                [
                    item.delivery(
                        Ambiguous(UNKNOWN_CODE), is_attempt=item.message.state == "sending"
                    )
                ],
            )
        )
