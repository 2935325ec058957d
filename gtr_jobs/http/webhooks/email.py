"""What is reported of e-mails: bounces and complaints take their address off every list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.http.webhooks.email_events import EmailEvent, read_events
from gtr_jobs.http.webhooks.signed_reports import SignedReports

PROVIDER = "smtp"


class EmailReports(SignedReports[EmailEvent]):
    """`/webhooks/email`."""

    name: ClassVar[str] = "email"
    path: ClassVar[str] = "/webhooks/email"

    def read(self, body: bytes) -> Sequence[EmailEvent]:
        """Read all events of a request, or none of them."""
        return read_events(body)

    async def write(self, event: EmailEvent) -> None:
        """Write one down."""
        if event.suppression is not None:
            for address in event.addresses:
                await self.books.suppress("email", address, event.suppression, PROVIDER)
            if not event.addresses and event.delivery_id is not None:
                await self.books.suppress_recipient(event.delivery_id, event.suppression, PROVIDER)
        if event.message_id is not None:
            await self.books.record(
                DeliveryReport(
                    provider=PROVIDER,
                    provider_id=event.message_id,
                    delivery_id=event.delivery_id,
                    status=event.status,
                    error_code=event.error_code,
                    at=event.at,
                )
            )
