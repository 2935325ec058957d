"""The receipts that Expo keeps for a day: what became of each ticket."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from gtr_jobs.dev.standins import expo_answers as answers
from gtr_jobs.dev.standins.phones import Phones

KEPT_FOR = 24 * 3600
KEEP = 100_000


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str = field(repr=False)
    error: str
    made_at: float


class ExpoReceipts:
    """Remembers tickets and says what became of them.

    Args:
        phones: The devices; an app that was removed meanwhile makes an error receipt.
    """

    def __init__(self, phones: Phones) -> None:
        self._phones = phones
        self._kept: dict[str, _Kept] = {}
        self._scripted: dict[str, str] = {}
        self._withheld: set[str] = set()

    def script(self, token: str, error: str) -> None:
        """Give every ticket of a device an error receipt: `MessageRateExceeded`, ..."""
        self._scripted[token] = error

    def withhold(self, token: str) -> None:
        """Have no receipt for the tickets of a device, as when Expo is late."""
        self._withheld.add(token)

    def is_scripted_to_fail(self, token: str) -> bool:
        """Whether the device's tickets get an error receipt."""
        return token in self._scripted

    def keep(self, ticket_id: str, token: str, error: str = "") -> None:
        """Remember a ticket.

        Args:
            ticket_id: Names it.
            token: The device.
            error: What its receipt will complain of; empty for nothing.
        """
        if len(self._kept) >= KEEP:
            del self._kept[next(iter(self._kept))]
        self._kept[ticket_id] = _Kept(token, error, time.time())

    def find(self, ticket_id: str) -> answers.Receipt | None:
        """Look a receipt up; None where there is none, yet or any more."""
        kept = self._kept.get(ticket_id)
        if kept is None or kept.token in self._withheld or time.time() - kept.made_at > KEPT_FOR:
            return None
        error = self._scripted.get(kept.token) or kept.error or self._meanwhile(kept)
        return answers.receipt_error(error) if error else answers.receipt_ok()

    def clear(self) -> None:
        """Forget all tickets and scripts."""
        self._kept.clear()
        self._scripted.clear()
        self._withheld.clear()

    def _meanwhile(self, kept: _Kept) -> str:
        phone = self._phones.find(kept.token)
        is_gone = phone is not None and phone.uninstalled_at is not None
        return "DeviceNotRegistered" if is_gone else ""
