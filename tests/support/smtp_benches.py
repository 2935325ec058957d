"""The provider of e-mail against the stand-in for a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.ledger import Acceptance
from gtr_jobs.dev.standins.smtp import SmtpStandIn
from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.email_address import parse_address
from gtr_jobs.domain.outcome import OutcomeName
from gtr_jobs.providers.smtp import SmtpProvider
from gtr_jobs.providers.smtp_message import Sender
from gtr_jobs.providers.smtp_pool import SmtpServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TO = "ada@example.org"
DELIVERY = UUID("6f2c6c0e-52f4-4a53-9b1e-4f0f5a9d2f11")
MESSAGE_ID = f"{DELIVERY}@example.com"


def make_email(**fields: Any) -> EmailMessage:
    """Make a message that is of use for an hour."""
    return EmailMessage(
        **{
            "delivery_id": DELIVERY,
            "to": TO,
            "subject": "Your weekly digest",
            "text": "Dear Ada,\n.. and more\n.\nBye",
            "html": "<p>Dear Ada</p>",
            "unsubscribe_url": None,
            "valid_until": NOW + timedelta(hours=1),
            **fields,
        }
    )


@dataclass(slots=True)
class SmtpBench:
    """A provider and the server that it talks to.

    Args:
        standins: The server's company.
        provider: What is tested.
        observed: What it told `observe_attempts`, without the seconds.
    """

    standins: ProviderStandIns
    provider: SmtpProvider
    observed: list[tuple[str, OutcomeName]] = field(default_factory=list)

    @property
    def server(self) -> SmtpStandIn:
        """What answers."""
        return self.standins.smtp

    @property
    def taken(self) -> list[Acceptance]:
        """What it took."""
        return self.standins.ledger.entries(provider="smtp")


@asynccontextmanager
async def open_smtp_bench(
    standins: ProviderStandIns, sender: Sender | None = None, **options: Any
) -> AsyncIterator[SmtpBench]:
    """Make a bench, and close it after its use."""
    observed: list[tuple[str, OutcomeName]] = []

    def observe(provider: str, attempts: Sequence[tuple[OutcomeName, float]]) -> None:
        assert all(0 <= seconds < 60 for _, seconds in attempts)
        observed.extend((provider, outcome) for outcome, _ in attempts)

    smtp = standins.smtp
    server = SmtpServer(
        **{
            "host": "localhost",
            "port": smtp.tls_port if options.get("security") == "tls" else smtp.port,
            "username": smtp.username,
            "password": smtp.password,
            "ca_file": standins.ca_file,
            **options,
        }
    )
    sender = sender or Sender(parse_address("noreply@example.com"), "GTR Marketplace")
    provider = SmtpProvider(server, sender, observe, now=lambda: NOW)
    try:
        yield SmtpBench(standins, provider, observed)
    finally:
        await provider.close()
