"""Requests as providers make them, and the pages that they reach over a real socket."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from gtr_jobs.app.webhooks import Webhooks, WebhookTools
from gtr_jobs.db.connect import Database
from gtr_jobs.db.contact import Contact
from gtr_jobs.db.reports import Channel
from gtr_jobs.domain.delivery_report import DeliveryReport, ReportFate
from gtr_jobs.http.server import name_address, take_address
from gtr_jobs.http.webhooks.server import BoundedProtocol, make_server, serve
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import Settings

PUBLIC_URL = "https://jobs.example.com/gtr"
TOKEN, OTHER_TOKEN = "1" * 32, "2" * 32
SECRET, LINK_SECRET = "s" * 32, "l" * 32
SID = "SM" + "0" * 32
PHONE = "+14155550123"

STATUS, INBOUND = "/webhooks/twilio/status", "/webhooks/twilio/inbound"

WEBHOOK_SETTINGS: Mapping[str, Any] = {
    "public_url": PUBLIC_URL,
    "twilio_auth_token": TOKEN,
    "webhook_secret": SECRET,
    "unsubscribe_secret": LINK_SECRET,
}

Pairs = list[tuple[str, str]]


class RecordingReports:
    """Books that remember what they were told, and fail where that is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fate: ReportFate = "recorded"
        self.error: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.is_known = True

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error

    async def record(self, report: DeliveryReport) -> ReportFate:
        """Remember a report."""
        await self._note("record", report)
        return self.fate

    async def suppress(self, channel: Channel, address: str, reason: str, source: str) -> None:
        """Remember an address."""
        await self._note("suppress", channel, address, reason, source)

    async def suppress_recipient(self, delivery_id: UUID, reason: str, source: str) -> bool:
        """Remember a delivery."""
        await self._note("suppress_recipient", delivery_id, reason, source)
        return self.is_known

    async def unsuppress(self, channel: Channel, address: str, reason: str) -> None:
        """Remember an address."""
        await self._note("unsuppress", channel, address, reason)


@dataclass
class Served:
    """Pages that are served.

    Args:
        url: Where they are.
        reports: What they write into.
        metrics: What they count.
        client: Asks them.
    """

    url: str
    reports: RecordingReports
    metrics: Metrics
    client: httpx.AsyncClient
    port: int = field(default=0)

    def counted(self, page: str, result: str) -> float:
        """Say how many requests to a page came to a result."""
        return float(self.metrics.webhook_requests.labels(page, result)._value.get())


def make_settings(**settings: Any) -> Settings:
    """Make settings that read neither the environment nor a file."""
    given = {**WEBHOOK_SETTINGS, **settings}
    return Settings.model_validate(
        {name: value for name, value in given.items() if value is not None}
    )


@asynccontextmanager
async def serve_pages(
    protocol: type[BoundedProtocol] = BoundedProtocol, **settings: Any
) -> AsyncIterator[Served]:
    """Serve the pages over books that remember."""
    metrics, reports = Metrics("0"), RecordingReports()
    tools = WebhookTools(Database("", "none"), Contact(), get_logger(), metrics)
    site = Webhooks(make_settings(**settings), tools).make_site(reports)
    listener = take_address("127.0.0.1", 0, "none")
    url = name_address(listener)
    serving = asyncio.create_task(serve(make_server(site, 1.0, protocol), listener))
    try:
        async with httpx.AsyncClient(base_url=url, timeout=15) as client:
            yield Served(url, reports, metrics, client, listener.getsockname()[1])
    finally:
        serving.cancel()
        await asyncio.wait([serving])


def sign_twilio(path: str, pairs: Pairs, token: str = TOKEN, url: str = PUBLIC_URL) -> str:
    """Sign a form as Twilio's SDK does."""
    signature: str = RequestValidator(token).compute_signature(
        f"{url}{path}", ImmutableMultiDict(pairs)
    )
    return signature


def twilio_request(
    path: str, pairs: Pairs, token: str = TOKEN, url: str = PUBLIC_URL
) -> dict[str, Any]:
    """Make what a client sends where Twilio reports."""
    return {
        "url": path,
        "content": urlencode(pairs),
        "headers": {
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "x-twilio-signature": sign_twilio(path, pairs, token, url),
        },
    }


def status_pairs(status: str = "delivered", sid: str = SID, **more: str) -> Pairs:
    """Make the fields of a report of Twilio's, as it sends them."""
    fields = {
        "SmsSid": sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": PHONE,
        "MessageSid": sid,
        "AccountSid": "AC" + "0" * 32,
        "From": "+15005550006",
        "ApiVersion": "2010-04-01",
        **more,
    }
    return list(fields.items())


def inbound_pairs(body: str, **more: str) -> Pairs:
    """Make the fields of a message that somebody wrote, as Twilio sends them."""
    fields = {
        "ToCountry": "US",
        "SmsMessageSid": SID,
        "NumMedia": "0",
        "SmsSid": SID,
        "SmsStatus": "received",
        "Body": body,
        "To": "+15005550006",
        "NumSegments": "1",
        "MessageSid": SID,
        "From": PHONE,
        "ApiVersion": "2010-04-01",
        **more,
    }
    return list(fields.items())


def sign_standard(
    content: bytes, secret: str = SECRET, name: str = "msg_1", at: float | None = None
) -> dict[str, str]:
    """Sign as Standard Webhooks say."""
    moment = str(int(time.time() if at is None else at))
    signed = f"{name}.{moment}.".encode() + content
    signature = base64.b64encode(hmac.digest(secret.encode(), signed, sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }


def email_request(event: object, **signing: Any) -> dict[str, Any]:
    """Make what a client sends where bounces are reported."""
    content = json.dumps(event).encode()
    return {
        "url": "/webhooks/email",
        "content": content,
        "headers": sign_standard(content, **signing),
    }


async def talk(port: int, sent: bytes, seconds: float = 10.0) -> bytes:
    """Send bytes as they are, and give all that is answered until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()
