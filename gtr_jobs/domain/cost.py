"""What a message cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message cost, as the provider reports it.

    Args:
        amount: What we pay; never negative.
        currency: ISO 4217.
    """

    amount: Decimal
    currency: str
