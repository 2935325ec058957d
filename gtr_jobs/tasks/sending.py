"""Sends messages that are ready: written for good before the provider is called, and called once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from gtr_jobs.db.outgoing import Begun, Budget, OutgoingMessages
from gtr_jobs.domain.outcome import Ambiguous, Outcome, Throttled
from gtr_jobs.domain.switches import PauseScope
from gtr_jobs.engine.batches import Finish
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import HandBack, Job, JobEnd, TryAgain
from gtr_jobs.engine.levers import UNNOTED_SECONDS, Levers
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import Attempted, end_after
from gtr_jobs.providers.fan_out import do_each
from gtr_jobs.tasks.accounts import Accounts
from gtr_jobs.tasks.courier import Courier, Letter
from gtr_jobs.tasks.message_items import Item, Ready
from gtr_jobs.tasks.message_reports import MessageReports
from gtr_jobs.tasks.under_way import Share, UnderWay

# What is begun together is written in one transaction, and all of it is unknown if the worker dies just then.
MESSAGES_A_CALL = 50
# An operator's budget is used up: it is looked at again after this.
BUDGET_SECONDS = 60.0
_SOON_SECONDS = 1.0
# One call is written while another is sent: what is begun does not wait long for its turn.
_CALLS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class MessageRules:
    """What operators decide of a channel.

    Args:
        delays: Seconds after an attempt of which nobody knows, at which the provider is asked.
        budget: What it may cost.
    """

    delays: Sequence[float]
    budget: Budget


class Sending:
    """Sends a channel's messages.

    Args:
        courier: The way out.
        store: The messages.
        worker_id: Gives the number under which this worker claims.
        rules: What operators decide.
        levers: What operators switched.
        accounts: What the provider's account takes now.
        reports: Is told what came of messages.
    """

    def __init__(
        self,
        *,
        courier: Courier,
        store: OutgoingMessages,
        worker_id: Callable[[], int],
        rules: MessageRules,
        levers: Levers,
        accounts: Accounts,
        reports: MessageReports,
    ) -> None:
        self._courier = courier
        self._store = store
        self._worker_id = worker_id
        self._rules = rules
        self._levers = levers
        self._accounts = accounts
        self._reports = reports
        self._under_way = UnderWay()

    async def send_all(self, ready: Sequence[Ready], finish: Finish) -> None:
        """Send messages, and end the job of each as soon as it is answered for."""
        size = min(MESSAGES_A_CALL, self._courier.pressure.window.limit)
        size = self._levers.most_at_once("channel", self._courier.channel, size)
        size = self._levers.most_at_once("provider", self._courier.name, size)
        chunks = [ready[first : first + size] for first in range(0, len(ready), size)]
        # Where one fails, what the others sent is written first.
        await do_each(
            chunks,
            lambda chunk: self._send_when_let(chunk, size * _CALLS_AT_ONCE, finish),
            len(chunks),
        )

    async def _send_when_let(self, chunk: Sequence[Ready], most: int, finish: Finish) -> None:
        courier, count = self._courier, len(chunk)
        if not (
            await self._levers.take("channel", courier.channel, count)
            and await self._levers.take("provider", courier.name, count)
        ):
            for ready in chunk:
                finish(Ack(ready.item.job, TryAgain(UNNOTED_SECONDS, uses_attempt=False)))
            return
        async with self._under_way.join(count, most) as share:
            await self._begin(chunk, share, finish)

    async def _begin(self, chunk: Sequence[Ready], share: Share, finish: Finish) -> None:
        courier = self._courier
        # It may have been paused meanwhile.
        if await self.hold_paused([ready.item.job for ready in chunk], finish):
            return
        if (held := await self._accounts.why_not(courier)) is not None:
            for ready in chunk:
                finish(Ack(ready.item.job, TryAgain(held.retry_after, uses_attempt=False)))
            return
        if not may_send_now():
            for ready in chunk:
                finish(Ack(ready.item.job, HandBack(delay=_SOON_SECONDS)))
            return
        deadline = time.monotonic() + courier.seconds
        begun = await self._store.begin(
            self._worker_id(),
            courier.name,
            courier.seconds,
            [ready.intent() for ready in chunk],
            self._rules.budget,
        )

        async def send(ready: Ready) -> None:
            await self._send(ready, begun[ready.item.message.delivery_id], deadline, finish)
            share.end_one()

        await do_each(chunk, send, len(chunk))

    async def _send(self, ready: Ready, begun: Begun, deadline: float, finish: Finish) -> None:
        item = ready.item
        match begun.verdict:
            case "send":
                pass
            case "over_budget" | "over_country_budget":
                scope = "day" if begun.verdict == "over_budget" else ready.letter.country
                self._reports.over_budget(item.message, scope)
                finish(Ack(item.job, TryAgain(BUDGET_SECONDS, uses_attempt=False)))
                return
            case "settled" | "lost":
                finish(Ack(item.job, HandBack(delay=_SOON_SECONDS)))
                return
            case _:
                assert_never(begun.verdict)
        if ready.is_again:
            self._reports.resent()
        outcome = await self._call(ready.letter, deadline)
        self._reports.attempt(item.job, item.message, outcome)
        finish(
            Ack(
                item.job,
                self._end(item, outcome),
                [item.delivery(outcome, begun.token, is_again=ready.is_again)],
            )
        )

    async def _call(self, letter: Letter, deadline: float) -> Outcome:
        # What was written before is no leave to call when others may think that the call is over.
        if not may_send_now() or time.monotonic() >= deadline:
            return Throttled("too_late", _SOON_SECONDS)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await letter.send()
        except TimeoutError:
            return Ambiguous("timeout")
        except Exception as error:  # noqa: BLE001  (it may have been sent: that must be written)
            self._reports.fault(error)
            return Ambiguous("provider_fault")

    def _end(self, item: Item, outcome: Outcome) -> JobEnd:
        if not isinstance(outcome, Ambiguous):
            return end_after(item.job, [Attempted(self._courier.name, outcome)])
        if self._courier.can_ask:
            return TryAgain(self._rules.delays[0], uses_attempt=False)
        return item.death()

    async def hold_paused(self, jobs: Sequence[Job], finish: Finish) -> bool:
        """Leave everything for later while an operator wants it so."""
        scopes: tuple[tuple[PauseScope, str], ...] = (
            ("queue", self._courier.channel),
            ("channel", self._courier.channel),
            ("provider", self._courier.name),
        )
        for scope, name in scopes:
            if self._levers.is_paused(scope, name):
                seconds = await self._levers.hold(scope, name, jobs)
                for job in jobs:
                    finish(Ack(job, TryAgain(seconds, uses_attempt=False)))
                return True
        return False
