"""Asks a provider whether it has a message of which nobody knows: among others that say the same, the right one."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from gtr_jobs.db.outgoing import Outgoing, OutgoingMessages
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.outcome import Skipped
from gtr_jobs.domain.sms import CannotTell, Finding, Found
from gtr_jobs.engine.levers import Levers
from gtr_jobs.tasks.courier import Courier, Letter
from gtr_jobs.tasks.message_reports import MessageReports

_ASKED_AT_ONCE = 4
# Our database's clock and the provider's may differ. What is known to be another message is left out anyway.
_CLOCKS = timedelta(seconds=30)
_NOT_FOUND_OUT = CannotTell(Skipped("not_found_out"))


class Asking:
    """Finds out what became of attempts.

    Args:
        courier: The way out.
        store: The messages.
        levers: What operators switched: asking counts as sending does.
        reports: Is told of faults.
    """

    def __init__(
        self, courier: Courier, store: OutgoingMessages, levers: Levers, reports: MessageReports
    ) -> None:
        self._courier = courier
        self._store = store
        self._levers = levers
        self._reports = reports
        # What was found lately and is perhaps not written yet: no other message can be the same one.
        self._found: deque[str] = deque(maxlen=10_000)
        self._turn = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def find(self, message: Outgoing) -> Finding:
        """Look for a message whose last attempt is over."""
        attempt = message.attempt
        if (
            attempt is None
            # Another provider, or another number by now: nothing could be found there.
            or attempt.provider != self._courier.name
            or message.address is None
            or message.address_hash != attempt.address_hash
            # What it says is part of what it is found by.
            or message.data is None
        ):
            return _NOT_FOUND_OUT
        letter = self._courier.word(message, message.address)
        if not isinstance(letter, Letter) or letter.find is None:
            return _NOT_FOUND_OUT
        async with self._turn:
            if not await self._levers.take("provider", self._courier.name):
                return _NOT_FOUND_OUT
            try:
                known = await self._store.read_known(attempt, message.delivery_id)
                finding = await letter.find(
                    attempt.began_at - _CLOCKS, known | frozenset(self._found)
                )
            except PASSING_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001  (what one answer does to a provider must not end the batch)
                self._reports.fault(error)
                return _NOT_FOUND_OUT
            if isinstance(finding, Found):
                self._found.append(finding.record.provider_id)
            return finding
