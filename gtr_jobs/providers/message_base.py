"""What every provider of text messages and of e-mail does.

Unlike a push, such a message is sent one by one and never twice: see `gtr_jobs/domain/sms.py` for
what is known of one after an attempt that did not end clearly.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.outcome import Outcome
from gtr_jobs.domain.sms import Finding, SmsMessage
from gtr_jobs.providers.pressure import Pressure


class MessageProvider(Protocol):
    """What providers of both kinds have."""

    @property
    def name(self) -> str:
        """What logs, metrics and deliveries call it."""

    @property
    def pressure(self) -> Pressure:
        """How much its account takes now."""

    async def check(self) -> None:
        """Make sure that its credentials can be used.

        Raises:
            ConfigurationError: They cannot; names the setting.
            TryAgainError: It cannot be reached now.
        """

    async def close(self) -> None:
        """Close its connections; what is still on the wire ends as ambiguous."""


class SmsProvider(MessageProvider, Protocol):
    """One service that carries text messages."""

    async def send(self, message: SmsMessage) -> Outcome:
        """Send a message; one that has outlived itself is not.

        Returns:
            How it ended. Nothing that the provider or the network does becomes an exception, and
            nothing is sent twice by the call itself.
        """

    async def find(
        self, message: SmsMessage, since: datetime, known: Collection[str] = ()
    ) -> Finding:
        """Look for a message among those that the provider has taken.

        Args:
            message: As it was given to `send`.
            since: When the attempt began.
            known: Names of messages that belong to other deliveries.
        """

    async def read(self, provider_id: str) -> Finding:
        """Read what the provider's records say of a message that it has taken: its state and price."""


class EmailProvider(MessageProvider, Protocol):
    """One way out for e-mail."""

    async def send(self, message: EmailMessage) -> Outcome:
        """Send a message; one that has outlived itself is not.

        Returns:
            How it ended. Nothing that the server or the network does becomes an exception, and
            nothing is sent twice by the call itself.
        """
