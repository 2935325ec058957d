"""What other providers report of texts, passed on with our secret's signature, by real HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from support.webhooks import PHONE, serve_pages, sign_standard

from gtr_jobs.domain.delivery_report import DeliveryReport

DELIVERY = UUID("5b0c1c52-8f0a-4f0e-9a57-0123456789ab")
STATUS = {
    "type": "status",
    "provider": "plivo",
    "message_id": "db3ce55a-7f1d-11e1-8ea7-1231380bc196",
    "status": "delivered",
}


def _request(event: object, **signing: Any) -> dict[str, Any]:
    content = json.dumps(event).encode()
    return {
        "url": "/webhooks/sms",
        "content": content,
        "headers": sign_standard(content, **signing),
    }


async def test_a_status_is_written_with_its_price() -> None:
    """As the provider told it; a price without its currency is none."""
    priced = {
        **STATUS,
        "delivery_id": str(DELIVERY),
        "code": "000",
        "price": "0.0055",
        "currency": "USD",
        "at": "2026-01-31T12:00:00Z",
    }
    async with serve_pages() as served:
        events = [priced, {**STATUS, "price": "0.0055"}, {**STATUS, "status": "teleported"}]
        answer = await served.client.post(**_request({"events": events}))

        assert answer.status_code == 204
        name = STATUS["message_id"]
        assert [call[1] for call in served.reports.calls] == [
            DeliveryReport(
                "plivo",
                name,
                DELIVERY,
                "delivered",
                "000",
                Decimal("0.0055"),
                "USD",
                datetime(2026, 1, 31, 12, tzinfo=UTC),
            ),
            DeliveryReport("plivo", name, None, "delivered"),
            DeliveryReport("plivo", name, None, "teleported"),
        ]


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("stop", [("suppress", "sms", PHONE, "unsubscribed", "plivo")]),
        ("START", [("unsuppress", "sms", PHONE, "unsubscribed")]),
        ("help", []),
        ("See you there", []),
    ],
)
async def test_a_word_is_done(body: str, calls: list[tuple[str, ...]]) -> None:
    """STOP and START, as with Twilio."""
    event = {"type": "inbound", "provider": "plivo", "from": PHONE, "body": body}
    async with serve_pages() as served:
        answer = await served.client.post(**_request(event))

        assert (answer.status_code, served.reports.calls) == (204, calls)


@pytest.mark.parametrize(
    "event",
    [
        5,
        {},
        {**STATUS, "type": "other"},
        {**STATUS, "provider": "Plivo; drop"},
        {**STATUS, "message_id": ""},
        {**STATUS, "message_id": 5},
        {**STATUS, "status": "two words"},
        {"events": [STATUS, {**STATUS, "status": ""}]},
    ],
)
async def test_what_cannot_be_read_is_refused_whole(event: object) -> None:
    """Nothing of it is written."""
    async with serve_pages() as served:
        answer = await served.client.post(**_request(event))

        assert (answer.status_code, served.reports.calls) == (400, [])


async def test_a_report_signed_otherwise_is_refused() -> None:
    """As on every page."""
    async with serve_pages() as served:
        answer = await served.client.post(**_request(STATUS, secret="x" * 32))

        assert (answer.status_code, served.reports.calls) == (403, [])
