"""Hands to the database what is new to it, and not faster than it was allowed."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from hashlib import sha256
from time import monotonic
from typing import Protocol
from uuid import UUID

from gtr_jobs.db.reports import Channel
from gtr_jobs.domain.delivery_report import DeliveryReport, ReportFate
from gtr_jobs.http.webhooks.page import RefusedError
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

# What was written is known for so many reports; the database knows all of them.
_REMEMBERED = 10_000
# Words of providers that are counted by themselves.
KNOWN_STATUSES = frozenset(
    {"accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed"}
    | {"receiving", "received", "read", "canceled", "partially_delivered"}
    | {"bounced", "complained", "deferred", "opened"}
)


class Reports(Protocol):
    """The books in the database."""

    async def record(self, report: DeliveryReport) -> ReportFate:
        """Write down what became of a message."""

    async def suppress(self, channel: Channel, address: str, reason: str, source: str) -> None:
        """Send nothing more to an address."""

    async def suppress_recipient(self, delivery_id: UUID, reason: str, source: str) -> bool:
        """Send nothing more to whom a delivery went; say whether there was such a delivery."""

    async def unsuppress(self, channel: Channel, address: str, reason: str) -> None:
        """Send to an address again."""


class Books:
    """The books about messages, as pages write them.

    Args:
        reports: The database's.
        rate: How many times a second it may be asked.
        log: Ids and codes only.
        metrics: Counts statuses.
    """

    def __init__(self, reports: Reports, rate: Decimal, log: Logger, metrics: Metrics) -> None:
        self._reports = reports
        self._allowance = Allowance(float(rate))
        self._known = _Memory(_REMEMBERED)
        self._log = log
        self._metrics = metrics

    async def record(self, report: DeliveryReport) -> ReportFate:
        """Write down what became of a message; what was written before is not asked for again.

        Raises:
            RefusedError: There are too many just now.
        """
        status = report.status if report.status in KNOWN_STATUSES else "other"
        key = (report.provider, report.provider_id, str(report.delivery_id), report.status)
        if self._known.has(key):
            return "repeated"
        self._allowance.take()
        fate = await self._reports.record(report)
        self._metrics.webhook_statuses.labels(report.provider, status).inc()
        if fate != "unknown":
            self._known.add(key)
        if status == "other" and fate == "recorded":
            self._log.warning(events.STATUS_UNKNOWN, provider=report.provider, status=report.status)
        self._log.debug(
            events.STATUS_REPORTED,
            provider=report.provider,
            provider_id=report.provider_id,
            delivery_id=None if report.delivery_id is None else str(report.delivery_id),
            status=report.status,
            code=report.error_code,
            fate=fate,
        )
        return fate

    async def suppress(self, channel: Channel, address: str, reason: str, source: str) -> None:
        """Send nothing more to an address.

        Raises:
            RefusedError: There are too many just now.
        """
        self._allowance.take()
        await self._reports.suppress(channel, address, reason, source)
        self._log.info(events.ADDRESS_SUPPRESSED, channel=channel, reason=reason, source=source)

    async def suppress_recipient(self, delivery_id: UUID, reason: str, source: str) -> bool:
        """Send nothing more to whom a delivery went; say whether there was such a delivery.

        Raises:
            RefusedError: There are too many just now.
        """
        self._allowance.take()
        is_known = await self._reports.suppress_recipient(delivery_id, reason, source)
        if is_known:
            self._log.info(
                events.ADDRESS_SUPPRESSED,
                delivery_id=str(delivery_id),
                reason=reason,
                source=source,
            )
        return is_known

    async def unsuppress(self, channel: Channel, address: str, reason: str, source: str) -> None:
        """Send to an address again.

        Raises:
            RefusedError: There are too many just now.
        """
        self._allowance.take()
        await self._reports.unsuppress(channel, address, reason)
        self._log.info(events.ADDRESS_UNSUPPRESSED, channel=channel, reason=reason, source=source)

    def is_done(self, sender: str, webhook: str) -> bool:
        """Say whether all of a webhook was written, as far as this process knows."""
        return self._known.has(("webhook", sender, webhook))

    def note_done(self, sender: str, webhook: str) -> None:
        """Take note that all of a webhook was written."""
        self._known.add(("webhook", sender, webhook))


class Allowance:
    """So many a second, and as many at once after a quiet second.

    Args:
        rate: How many a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate)
        self._left = self._most
        self._at = monotonic()

    def take(self) -> None:
        """Take one.

        Raises:
            RefusedError: There is none left just now.
        """
        now = monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            raise RefusedError(503, "too_many", {"retry-after": "1"})
        self._left -= 1


class _Memory:
    """The newest of what it was told, by what is left of it: no id of a person or message stays here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def has(self, key: tuple[str, ...]) -> bool:
        return _digest(key) in self._known

    def add(self, key: tuple[str, ...]) -> None:
        self._known[_digest(key)] = None
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _digest(key: tuple[str, ...]) -> bytes:
    return sha256("\0".join(key).encode()).digest()
