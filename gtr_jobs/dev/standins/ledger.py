"""What the stand-ins accepted, in order, and a way to wait for more of it without sleeping."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Carrier = Literal["fcm", "apns", "expo", "twilio", "plivo", "smtp"]

KEEP = 100_000
PATIENCE = 5.0

# Headers that say how a message is to be delivered, or who sent it; credentials are none of them.
HEADERS_THAT_MATTER: Mapping[Carrier, tuple[str, ...]] = {
    "fcm": ("traceparent", "user-agent"),
    "apns": (
        "apns-id",
        "apns-topic",
        "apns-push-type",
        "apns-priority",
        "apns-expiration",
        "apns-collapse-id",
        "traceparent",
        "user-agent",
    ),
    "expo": ("content-encoding", "traceparent", "user-agent"),
    "twilio": ("content-type", "user-agent", "x-twilio-client"),
    "plivo": ("content-type", "user-agent"),
    "smtp": ("message-id", "from", "to", "list-unsubscribe", "list-unsubscribe-post"),
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One message that a provider took.

    Args:
        number: Counts acceptances from 1.
        provider: Who took it.
        token: For which device, number or address.
        message_id: The provider's name for it.
        payload: The message as parsed; for FCM what stands under `message`.
        headers: Those of HEADERS_THAT_MATTER that were sent.
        arrived_at: Nanoseconds since 1970.
        arrived_at_monotonic: Nanoseconds of time.perf_counter_ns, to measure within one process.
    """

    number: int
    provider: Carrier
    token: str = field(repr=False)
    message_id: str
    payload: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    arrived_at: int
    arrived_at_monotonic: int


class Ledger:
    """Append-only; the oldest entries leave when there are too many.

    Args:
        keep: How many entries to hold.
    """

    def __init__(self, keep: int = KEEP) -> None:
        self._entries: deque[Acceptance] = deque(maxlen=keep)
        self._waiting: list[_Wait] = []
        self._totals: Counter[Carrier] = Counter()

    @property
    def total(self) -> int:
        """How many were accepted, with those that have left."""
        return self._totals.total()

    def record(
        self,
        provider: Carrier,
        token: str,
        message_id: str,
        payload: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Acceptance:
        """Write an acceptance down and wake those who wait for it."""
        self._totals[provider] += 1
        entry = Acceptance(
            number=self.total,
            provider=provider,
            token=token,
            message_id=message_id,
            payload=payload,
            headers={
                name: headers[name] for name in HEADERS_THAT_MATTER[provider] if name in headers
            },
            arrived_at=time.time_ns(),
            arrived_at_monotonic=time.perf_counter_ns(),
        )
        self._entries.append(entry)
        for wait in self._waiting:
            wait.see(entry)
        return entry

    def entries(
        self, *, provider: Carrier | None = None, token: str | None = None, after: int = 0
    ) -> list[Acceptance]:
        """List acceptances in order of arrival.

        Args:
            provider: Only those of one provider.
            token: Only those for one device.
            after: Only those with a higher number.
        """
        return [
            entry
            for entry in self._entries
            if entry.number > after and _matches(entry, provider, token)
        ]

    async def wait_for(
        self,
        count: int,
        *,
        provider: Carrier | None = None,
        token: str | None = None,
        timeout: float = PATIENCE,  # noqa: ASYNC109 - the caller names what it waits for and how long in one line
    ) -> list[Acceptance]:
        """Wait until so many were accepted, counted from the beginning, and list them.

        Raises:
            TimeoutError: When they do not come; says how many did.
        """
        wait = _Wait(count, provider, token, self._count(provider, token))
        self._waiting.append(wait)
        try:
            async with asyncio.timeout(timeout):
                await wait.done
        except TimeoutError:
            raise TimeoutError(f"{wait.seen} of {count} messages were accepted") from None
        finally:
            self._waiting.remove(wait)
        return self.entries(provider=provider, token=token)

    def _count(self, provider: Carrier | None, token: str | None) -> int:
        if token is not None:
            return len(self.entries(provider=provider, token=token))
        return self.total if provider is None else self._totals[provider]

    def clear(self) -> None:
        """Begin again at number 1."""
        self._entries.clear()
        self._totals.clear()

    def __len__(self) -> int:
        return len(self._entries)


class _Wait:
    """Somebody who waits for the n-th acceptance of a kind."""

    def __init__(self, count: int, provider: Carrier | None, token: str | None, seen: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seen = seen
        self._count = count
        self._provider = provider
        self._token = token
        self._check()

    def see(self, entry: Acceptance) -> None:
        if _matches(entry, self._provider, self._token):
            self.seen += 1
            self._check()

    def _check(self) -> None:
        if self.seen >= self._count and not self.done.done():
            self.done.set_result(None)


def _matches(entry: Acceptance, provider: Carrier | None, token: str | None) -> bool:
    return provider in {None, entry.provider} and token in {None, entry.token}
