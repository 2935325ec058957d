"""What is reported of e-mails: bounces and complaints take their address off every list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from starlette.datastructures import Headers
from starlette.responses import Response

from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.email_events import EmailEvent, read_events
from gtr_jobs.http.webhooks.page import Answer, Asked
from gtr_jobs.http.webhooks.standard_signature import StandardSignature

PROVIDER = "smtp"


class EmailReports:
    """`/webhooks/email`: signed as Standard Webhooks are, in JSON.

    Args:
        signature: Says whether it is from who has our secret, and new.
        books: Where it is written.
    """

    name: ClassVar[str] = "email"
    path: ClassVar[str] = "/webhooks/email"
    methods: ClassVar[Mapping[str, frozenset[str]]] = {"POST": frozenset({"application/json"})}
    is_for_providers: ClassVar[bool] = True

    def __init__(self, signature: StandardSignature, books: Books) -> None:
        self._signature = signature
        self._books = books

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:  # noqa: ARG002  (a page's)
        """Refuse what has no signature, or an old one."""
        self._signature.look_at_head(headers)

    async def answer(self, asked: Asked) -> Answer:
        """Write all of it down, each webhook once."""
        webhook = self._signature.check(asked.headers, asked.body)
        reported = read_events(asked.body)
        if self._books.is_done(PROVIDER, webhook):
            return Answer(Response(status_code=204), "repeated")
        for event in reported:
            await self._write(event)
        self._books.note_done(PROVIDER, webhook)
        return Answer(Response(status_code=204), "recorded")

    async def _write(self, event: EmailEvent) -> None:
        if event.suppression is not None:
            for address in event.addresses:
                await self._books.suppress("email", address, event.suppression, PROVIDER)
            if not event.addresses and event.delivery_id is not None:
                await self._books.suppress_recipient(event.delivery_id, event.suppression, PROVIDER)
        if event.delivery_id is not None:
            await self._books.record(
                DeliveryReport(
                    provider=PROVIDER,
                    provider_id=None,
                    delivery_id=event.delivery_id,
                    status=event.status,
                    error_code=event.error_code,
                    at=event.at,
                )
            )
