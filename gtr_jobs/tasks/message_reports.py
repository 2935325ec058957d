"""What operators are told of texts and e-mails: ids and codes, never a number, an address or a word of them."""

from __future__ import annotations

import time
from typing import Literal

from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.outcome import Accepted, Outcome, outcome_code
from gtr_jobs.engine.job import Job
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.observe.logs import Logger, logs_every_job
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.tasks.courier import Courier

_TELL_AGAIN_SECONDS = 60.0

Fate = Literal["found", "absent", "unknown"]


class MessageReports:
    """Tells what came of a channel's messages.

    Args:
        courier: The channel's way out.
    """

    def __init__(self, courier: Courier, log: Logger, metrics: Metrics) -> None:
        self._courier = courier
        self._log = log
        self._metrics = metrics
        self._told_at: dict[str, float] = {}
        # A counter that is not there yet raises no alert when it begins with one.
        metrics.resent_after_unknown.labels(courier.channel)
        metrics.budget_stops.labels(courier.channel, "day")

    def attempt(self, job: Job, message: Outgoing, outcome: Outcome) -> None:
        """Tell how an attempt ended, or why there was none; of what was accepted only to who looks closely."""
        say = self._log.info
        if isinstance(outcome, Accepted):
            if not logs_every_job():
                return
            say = self._log.debug
        say(
            events.MESSAGE_ATTEMPTED,
            trace_id=job.trace_id,
            job_id=job.job_id,
            kind=message.template,
            delivery=str(message.delivery_id),
            channel=self._courier.channel,
            provider=self._courier.name,
            outcome=outcome.name,
            code=outcome_code(outcome),
        )

    def resent(self) -> None:
        """Count a message that is sent again after an attempt of which nobody knew."""
        self._metrics.resent_after_unknown.labels(self._courier.channel).inc()

    def cleared(self, job: Job, message: Outgoing, fate: Fate) -> None:
        """Tell what is known by now of an attempt of which nobody knew."""
        self._metrics.messages_cleared.labels(self._courier.channel, fate).inc()
        self._log.warning(
            events.MESSAGE_CLEARED_UP,
            trace_id=job.trace_id,
            job_id=job.job_id,
            delivery=str(message.delivery_id),
            channel=self._courier.channel,
            provider=self._courier.name,
            fate=fate,
        )

    def over_budget(self, message: Outgoing, scope: str) -> None:
        """Tell that a message waits because a budget is used up: the day's, or a country's."""
        self._metrics.budget_stops.labels(self._courier.channel, scope).inc()
        now = time.monotonic()
        # Thousands may wait, and come again every minute: the counter has each of them.
        if now - self._told_at.get(scope, float("-inf")) < _TELL_AGAIN_SECONDS:
            return
        self._told_at[scope] = now
        self._log.warning(
            events.BUDGET_REACHED,
            delivery=str(message.delivery_id),
            channel=self._courier.channel,
            scope=scope,
            hint="raise the budget, or wait for the next UTC day",
        )

    def fault(self, error: Exception) -> None:
        """Tell of a fault of ours; its text may hold content and is not told."""
        self._log.error(
            events.HANDLER_FAILED,
            queue=self._courier.channel,
            error=type(error).__name__,
            where=places_of(error),
            jobs=1,
        )
