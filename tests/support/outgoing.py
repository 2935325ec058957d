"""Texts as the worker's functions see them: begin attempts, end them, and take reports of providers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from support.jobs import (
    Claimed,
    claim,
    delivery_of,
    end_of,
    fetch_rows,
    fetch_value,
    register_worker,
)
from support.texting import create_texter, notify_sms


@dataclass
class Texting:
    """A worker that texts.

    Args:
        api: As whom server code asks.
        admin: As whom the app's rows are made.
        worker: As whom the worker works.
        worker_id: Its number.
    """

    api: AsyncConnection
    admin: AsyncConnection
    worker: AsyncConnection
    worker_id: int
    count: int = 0

    async def claim(self) -> tuple[UUID, Claimed]:
        """Have somebody texted, and claim the job."""
        self.count += 1
        person = await create_texter(self.admin, f"p{self.count}", f"+1415555{self.count:04d}")
        answer = await notify_sms(self.api, person)
        (job,) = await claim(self.worker, self.worker_id, queue="sms")
        return UUID(answer["delivery_id"]), job

    async def begin(
        self,
        delivery_id: UUID,
        job: Claimed,
        *,
        country: str = "US",
        segments: int = 1,
        price: str = "0.10",
        budget: str | None = None,
        countries: dict[str, str] | None = None,
        is_resent: bool = False,
    ) -> tuple[str, UUID | None]:
        """Begin an attempt; give the verdict and the attempt's token."""
        attempt = {
            "job_id": job.job_id,
            "claim_number": job.claim_number,
            "delivery_id": str(delivery_id),
            "address_hash": "ab" * 32,
            "country": country,
            "segments": segments,
            "price": price,
            "is_resent": is_resent,
        }
        ((verdict, token),) = await fetch_rows(
            self.worker,
            "select verdict, attempt_token"
            " from gtr_jobs.begin_messages(%s, 'twilio', 20, %s::jsonb, %s, %s::jsonb)",
            self.worker_id,
            json.dumps([attempt]),
            budget,
            json.dumps(countries) if countries else None,
        )
        return verdict, token

    async def ack(
        self,
        delivery_id: UUID,
        job: Claimed,
        token: UUID | None,
        ended: str = "done",
        **more: object,
    ) -> bool:
        """End an attempt; say whether it was still this claim's."""
        values: dict[str, Any] = {
            "dedupe_key": delivery_id,
            "kind": "event_reminder",
            "channel": "sms",
            "provider": "twilio",
            "device_id": None,
            "provider_id": "SM1",
            "attempt_token": token,
            "is_attempt": True,
        }
        written = delivery_of(job, **values | more)
        rows = await fetch_rows(
            self.worker,
            "select gtr_jobs.ack_messages(%s, %s::jsonb, %s::jsonb)",
            self.worker_id,
            json.dumps([end_of(job, ended)]),  # type: ignore[arg-type]
            json.dumps([written]),
        )
        return rows == [(job.job_id,)]

    async def send(self) -> UUID:
        """Have a text sent that Twilio takes as SM1."""
        delivery_id, job = await self.claim()
        _, token = await self.begin(delivery_id, job)
        assert await self.ack(delivery_id, job, token)
        return delivery_id

    async def report(
        self,
        delivery_id: UUID | None,
        status: str,
        *,
        provider_id: str = "SM1",
        code: str = "",
        price: Decimal | str | None = None,
    ) -> str:
        """Take a report; say what it did."""
        return str(
            await fetch_value(
                self.worker,
                "select gtr_jobs.record_delivery_report('twilio', %s, %s, %s, %s, %s, 'USD', now())",
                provider_id,
                delivery_id,
                status,
                code,
                price,
            )
        )

    async def states(self) -> list[tuple[Any, ...]]:
        """Read the ledger."""
        return await fetch_rows(
            self.admin,
            "select state::text, outcome::text, code, provider_id, attempts, resent_after_unknown"
            " from gtr_jobs.deliveries order by created_at",
        )


async def start_texting(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection
) -> Texting:
    """Register a worker that texts."""
    return Texting(api, admin, worker, await register_worker(worker))
