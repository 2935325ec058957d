"""Deliveries of which Twilio reports, and processes that are told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from support.http_process import HttpProcess
from support.texting import create_texter, notify_sms, sms_settings
from support.way import Way
from support.webhooks import STATUS, status_pairs, twilio_request

REPORTED_SID = "SM" + "5" * 32


def database_settings(way: Way) -> dict[str, str]:
    """Give what a process needs to find the database."""
    names = ("GTR_DATABASE_URL", "GTR_PROJECT", "GTR_ENVIRONMENT")
    return {name: way.settings[name] for name in names}


@asynccontextmanager
async def serve_http(way: Way, **settings: str) -> AsyncIterator[HttpProcess]:
    """Serve the pages over the real ledger."""
    async with HttpProcess({**database_settings(way), **settings}) as process:
        yield process


async def send_text(way: Way) -> UUID:
    """Have a text sent of which Twilio has reported nothing yet; give its delivery."""
    mia = await create_texter(way.connection)
    worker = await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    await worker.stop()
    ((delivery_id,),) = await way.fetch(
        "update gtr_jobs.outgoing set provider_id = %s returning delivery_id", REPORTED_SID
    )
    assert isinstance(delivery_id, UUID)
    return delivery_id


async def post_to(process: HttpProcess, request: dict[str, object]) -> httpx.Response:
    """Post a request to the pages."""
    async with httpx.AsyncClient(base_url=process.url, timeout=15) as client:
        return await client.post(**request)  # type: ignore[arg-type]


async def report_status(process: HttpProcess, status: str, query: str = "", **more: str) -> int:
    """Report a status of the text that was sent; give what was answered."""
    pairs = status_pairs(status, REPORTED_SID, **more)
    return (await post_to(process, twilio_request(STATUS + query, pairs))).status_code


async def read_reports(way: Way) -> list[tuple[object, ...]]:
    """Read what was reported."""
    return await way.fetch("select status, error_code from gtr_jobs.delivery_reports order by 1")
