"""An e-mail before it belongs to a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """One e-mail for one person.

    Args:
        delivery_id: Names the delivery, stable over retries; the Message-ID is made from it.
        to: The address; never logged.
        subject: One line; never logged.
        text: What it says as plain text; never logged.
        html: The same as HTML; None where there is no such part.
        unsubscribe_url: Where one POST takes the recipient off the list; None where that makes no
            sense, as for a receipt.
        valid_until: When it is of no use any more; nothing is sent after it.
    """

    delivery_id: UUID
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    unsubscribe_url: str | None = field(repr=False)
    valid_until: datetime
