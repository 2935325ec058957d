"""What every provider does, so that whoever sends need not know which one it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from gtr_jobs.domain.outcome import Outcome, OutcomeName
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.receipt import Receipt
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.pressure import Pressure

# Called with what went to a provider: its name, and of every push how it ended and the seconds on the wire.
ObserveAttempts = Callable[[str, Sequence[tuple[OutcomeName, float]]], None]


def observe_nothing(provider: str, attempts: Sequence[tuple[OutcomeName, float]]) -> None:
    """Take no notice of attempts."""


class Provider(Protocol):
    """One service that carries pushes to devices."""

    @property
    def name(self) -> str:
        """What logs, metrics and deliveries call it."""

    @property
    def app(self) -> str:
        """The app whose devices it serves."""

    @property
    def token_kind(self) -> TokenKind:
        """The kind of token that it serves."""

    @property
    def pressure(self) -> Pressure:
        """How much its account takes now."""

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Send pushes.

        Args:
            pushes: All of them for tokens of `token_kind`, of devices of `app`.

        Returns:
            How each ended, in the same order; `Held` where nobody was asked. Nothing that the provider or the network does
            becomes an exception.
        """

    async def check(self) -> None:
        """Make sure that its credentials can be used.

        Raises:
            ConfigurationError: They cannot; names the setting.
            TryAgainError: Whoever issues tokens for them cannot be reached now.
        """

    async def close(self) -> None:
        """Close its connections; what is still on the wire ends as ambiguous."""


@runtime_checkable
class ReceiptSource(Protocol):
    """A provider that tells later what became of the pushes that it took."""

    async def read_receipts(self, provider_ids: Sequence[str]) -> Mapping[str, Receipt]:
        """Read what became of pushes.

        Args:
            provider_ids: What `Accepted` named them.

        Returns:
            A receipt for each. Nothing that the provider or the network does becomes an exception.
        """


@runtime_checkable
class Validator(Protocol):
    """A provider that checks a push without sending it."""

    async def validate(self, push: Push) -> Outcome:
        """Have a push checked, credentials and token included; it reaches nobody.

        Returns:
            How sending it would have ended.
        """
