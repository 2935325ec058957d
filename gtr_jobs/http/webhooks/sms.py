"""What other providers than Twilio report of texts, as a small function of yours passes it on, signed.

    {"type": "status", "provider": "plivo", "message_id": "db3ce55a-7f1d-11e1-8ea7-1231380bc196",
     "delivery_id": "5b0c…", "status": "delivered", "code": "000", "price": "0.0055", "currency": "USD"}
    {"type": "inbound", "provider": "plivo", "from": "+14155550123", "body": "STOP"}

or several of them in {"events": [...]}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from uuid import UUID

from gtr_jobs.domain.delivery_report import DeliveryReport, read_error_code, read_status
from gtr_jobs.domain.keywords import Keyword, read_keyword
from gtr_jobs.domain.phone import PhoneError, parse_phone
from gtr_jobs.http.webhooks.email_events import read_moment
from gtr_jobs.http.webhooks.page import RefusedError
from gtr_jobs.http.webhooks.signed_reports import SignedReports, split_events
from gtr_jobs.http.webhooks.twilio import STOP_REASON

_PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_HIGHEST_PRICE = 1_000


@dataclass(frozen=True, slots=True)
class Inbound:
    """A word that somebody wrote.

    Args:
        provider: Who passes it on.
        phone: Who wrote it.
        keyword: The word.
    """

    provider: str
    phone: str = field(repr=False)
    keyword: Keyword


SmsEvent = DeliveryReport | Inbound | None


class SmsReports(SignedReports[SmsEvent]):
    """`/webhooks/sms`."""

    name: ClassVar[str] = "sms"
    path: ClassVar[str] = "/webhooks/sms"

    def read(self, body: bytes) -> Sequence[SmsEvent]:
        """Read all events of a request, or none of them."""
        return [_read_event(event) for event in split_events(body)]

    async def write(self, event: SmsEvent) -> None:
        """Write one down."""
        match event:
            case DeliveryReport():
                await self.books.record(event)
            case Inbound(keyword="stop"):
                await self.books.suppress("sms", event.phone, STOP_REASON, event.provider)
            case Inbound(keyword="start"):
                await self.books.unsuppress("sms", event.phone, STOP_REASON, event.provider)
            case _:
                return


def _read_event(event: Any) -> SmsEvent:
    if not isinstance(event, dict):
        raise RefusedError(400, "unreadable")
    texts = {name: value for name, value in event.items() if isinstance(value, str)}
    provider = texts.get("provider", "")
    if _PROVIDER.fullmatch(provider) is None:
        raise RefusedError(400, "unreadable")
    match texts.get("type"):
        case "status":
            return _read_report(provider, texts)
        case "inbound":
            return _read_inbound(provider, texts)
        case _:
            raise RefusedError(400, "unreadable")


def _read_report(provider: str, texts: Mapping[str, str]) -> DeliveryReport:
    status, message_id = read_status(texts.get("status", "")), texts.get("message_id", "")
    if status is None or _MESSAGE_ID.fullmatch(message_id) is None:
        raise RefusedError(400, "unreadable")
    price, currency = _read_price(texts.get("price")), texts.get("currency", "")
    is_priced = price is not None and _CURRENCY.fullmatch(currency) is not None
    return DeliveryReport(
        provider=provider,
        provider_id=message_id,
        delivery_id=_read_delivery(texts.get("delivery_id")),
        status=status,
        error_code=read_error_code(texts.get("code")),
        price=price if is_priced else None,
        currency=currency if is_priced else None,
        at=read_moment(texts.get("at")),
    )


def _read_inbound(provider: str, texts: Mapping[str, str]) -> Inbound | None:
    keyword = read_keyword(texts.get("body", ""))
    if keyword is None:
        return None
    try:
        return Inbound(provider, parse_phone(texts.get("from", "")), keyword)
    except PhoneError:
        return None


def _read_delivery(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _read_price(text: str | None) -> Decimal | None:
    try:
        price = Decimal(text or "")
    except InvalidOperation:
        return None
    return price if price.is_finite() and 0 <= price <= _HIGHEST_PRICE else None
