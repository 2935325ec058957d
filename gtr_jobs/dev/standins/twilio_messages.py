"""Messages as Twilio keeps them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gtr_jobs.dev.standins.twilio_answers import API, write_time
from gtr_jobs.domain.segments import count_segments


@dataclass(slots=True)
class TwilioMessage:
    """One message.

    Args:
        account: Whose it is.
        form: What was asked for.
        sid: Its name.
        status: Where it is on its way.
        created: When it was accepted.
        sent: When it left Twilio's queue.
        error_code: Why it did not arrive.
        price: What it cost, once that is known.
        is_redacted: Whether its text was deleted.
    """

    account: str
    form: Mapping[str, str] = field(repr=False)
    sid: str = field(default_factory=lambda: f"SM{secrets.token_hex(16)}")
    status: str = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    sent: datetime | None = None
    error_code: int | None = None
    price: Decimal | None = None
    is_redacted: bool = False

    @property
    def segments(self) -> int:
        """How many parts it has."""
        return count_segments(self.form.get("Body", "")).count

    def describe(self) -> dict[str, Any]:
        """Write it as the API does."""
        uri = f"/{API}/Accounts/{self.account}/Messages/{self.sid}"
        service = self.form.get("MessagingServiceSid")
        is_assigned = service is None or self.sent is not None
        return {
            "body": "" if self.is_redacted else self.form.get("Body", ""),
            "num_segments": str(self.segments) if is_assigned else "0",
            "direction": "outbound-api",
            "from": self.form.get("From") if is_assigned else None,
            "date_updated": write_time(self.sent or self.created),
            "price": None if self.price is None else str(-self.price),
            "error_message": None,
            "uri": f"{uri}.json",
            "account_sid": self.account,
            "num_media": "0",
            "to": self.form["To"],
            "date_created": write_time(self.created),
            "status": self.status,
            "sid": self.sid,
            "date_sent": write_time(self.sent),
            "messaging_service_sid": service,
            "error_code": self.error_code,
            "price_unit": "USD",
            "api_version": API,
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }
