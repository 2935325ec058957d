"""Every provider of text messages against a server that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from support.answering_server import AnsweringServer
from support.conformance_sms import SmsProviderName

from gtr_jobs.domain.outcome import OutcomeName
from gtr_jobs.domain.sms import SmsMessage
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.message_base import SmsProvider
from gtr_jobs.providers.plivo import PlivoAccount, PlivoProvider
from gtr_jobs.providers.twilio import TwilioProvider
from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TO = "+14155550123"
SENDER = "+15005550006"
BODY = "Your code is 123456"
DELIVERY = UUID("6f2c6c0e-52f4-4a53-9b1e-4f0f5a9d2f11")
ACCOUNT = f"AC{'0' * 32}"
TOKEN = "token-1"


def make_sms(left: timedelta = timedelta(minutes=5), body: str = BODY) -> SmsMessage:
    """Make a message that has so much of its life left."""
    return SmsMessage(DELIVERY, TO, body, NOW + left, "https://example.com/webhooks/status")


@dataclass(slots=True)
class SmsBench:
    """A provider and the server that it talks to.

    Args:
        server: What answers.
        provider: What is tested.
        observed: What it told `observe_attempts`, without the seconds.
    """

    server: AnsweringServer
    provider: SmsProvider
    observed: list[tuple[str, OutcomeName]] = field(default_factory=list)


@asynccontextmanager
async def open_sms_bench(
    name: SmsProviderName, server: AnsweringServer, *logins: TwilioLogin, **options: Any
) -> AsyncIterator[SmsBench]:
    """Make a bench, and close it after its use."""
    observed: list[tuple[str, OutcomeName]] = []

    def observe(provider: str, attempts: Sequence[tuple[OutcomeName, float]]) -> None:
        assert all(0 <= seconds < 60 for _, seconds in attempts)
        observed.extend((provider, outcome) for outcome, _ in attempts)

    http = HttpOptions(**{"ca_file": server.ca_file, **options})
    provider: SmsProvider
    if name == "twilio":
        used = logins or (TwilioLogin(ACCOUNT, TOKEN),)
        account = TwilioAccount(ACCOUNT, used, sender=SENDER)
        provider = TwilioProvider(account, server.url, http, observe, now=lambda: NOW)
    else:
        plivo = PlivoAccount("MA123", TOKEN, SENDER)
        provider = PlivoProvider(plivo, server.url, http, observe, now=lambda: NOW)
    try:
        yield SmsBench(server, provider, observed)
    finally:
        await provider.close()
