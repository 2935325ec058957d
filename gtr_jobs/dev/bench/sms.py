"""How many texts a second a worker sends to a provider that is far away, and how well workers share a rate."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from gtr_jobs.dev.bench.rig import BenchDatabase, Rig
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.script import FOR_EVER, Slow
from gtr_jobs.dev.standins.tls import ThrowawayAuthority
from gtr_jobs.dev.standins.twilio import TwilioStandIn

_PATIENCE_SECONDS = 600.0
# What a worker had of a rate when it started, and what is left of it at the end.
_EDGE_SECONDS = 2.0
_PEOPLE = """
    insert into auth.users (id, aud, role, email, phone, phone_confirmed_at, created_at, updated_at)
    select
        lpad(to_hex(n), 32, '0')::uuid, 'authenticated', 'authenticated', n || '@example.test',
        '1415555' || lpad(n::text, 4, '0'), now(), now(), now()
    from generate_series(1, 1000) as n
"""
_TEXTS = """
    select count(public.notify_sms(lpad(to_hex(1 + n %% 1000), 32, '0')::uuid, 'event_reminder', %s))
    from generate_series(1, %s) as n
"""
_DATA = {
    "event_title": "Daikoku meet",
    "starts": "19:30",
    "place": "Daikoku PA",
    "event_url": "https://marketplace.example/events/5b0c",
}
_RATE = """
    select gtr_jobs.set_switch('rate', 'provider', 'twilio', '', %s, null, gen_random_uuid(), 'bench', 'bench', '{}')
"""
_ENDS = "select count(*) filter (where state = 'sent'), count(*) from gtr_jobs.deliveries"


@dataclass(frozen=True, slots=True)
class SmsSize:
    """How many texts are sent in a round, how often, how far away the provider is, and what two workers share."""

    texts: int = 5_000
    rounds: int = 3
    latency_ms: int = 150
    rate: int = 50
    rate_seconds: int = 20


async def measure_sms(rig: Rig, size: SmsSize) -> dict[str, Any]:
    """Send texts that wait in the queue, by one worker without a rate and by two that share one; medians."""
    rounds = [await _send_all(rig, size) for _ in range(size.rounds)]
    shared = await _share_rate(rig, size)
    return {
        "bench": "sms",
        "texts": size.texts,
        "latency_ms": size.latency_ms,
        "texts_per_second": round(median(rounds), 1),
        "rounds": [round(one, 1) for one in rounds],
        "shared_rate": size.rate,
        "shared_rate_workers": 2,
        "shared_rate_texts_per_second": round(shared, 2),
        "shared_rate_off_by": round(abs(shared / size.rate - 1), 4),
    } | rig.describe()


async def _send_all(rig: Rig, size: SmsSize) -> float:
    async with (
        _open(rig, size.texts, size.latency_ms) as (database, twilio, settings),
        database.run_worker("sms", **settings),
    ):
        began = time.monotonic()
        await twilio.ledger.wait_for(size.texts, timeout=_PATIENCE_SECONDS)
        await _wait_until_settled(database, size.texts)
        return size.texts / (time.monotonic() - began)


async def _share_rate(rig: Rig, size: SmsSize) -> float:
    texts = size.rate * size.rate_seconds
    async with AsyncExitStack() as stack:
        database, twilio, settings = await stack.enter_async_context(
            _open(rig, texts, size.latency_ms)
        )
        database.connection.execute(_RATE, [size.rate])
        for _ in range(2):
            await stack.enter_async_context(database.run_worker("sms", **settings))
        accepted = await twilio.ledger.wait_for(texts, timeout=_PATIENCE_SECONDS)
        await _wait_until_settled(database, texts)
    arrived = [entry.arrived_at_monotonic / 1e9 for entry in accepted]
    first, last = arrived[0] + _EDGE_SECONDS, arrived[-1] - _EDGE_SECONDS
    return sum(first <= at < last for at in arrived) / (last - first)


@dataclass(frozen=True, slots=True)
class _Twilio:
    standin: TwilioStandIn
    ledger: Ledger


@asynccontextmanager
async def _open(
    rig: Rig, texts: int, latency_ms: int
) -> AsyncIterator[tuple[BenchDatabase, _Twilio, dict[str, str]]]:
    """Have texts wait in a database of their own, and a stand-in for Twilio that answers after so long."""
    with (
        tempfile.TemporaryDirectory(prefix="gtr-sms-") as folder,
        rig.open_database() as database,
    ):
        authority = ThrowawayAuthority(Path(folder))
        ledger = Ledger(texts)
        standin = TwilioStandIn(authority, ledger)
        standin.script.add(Slow(latency_ms / 1000), times=FOR_EVER)
        await standin.start()
        try:
            database.connection.execute(_PEOPLE)
            database.connection.execute(_TEXTS, [json.dumps(_DATA), texts])
            database.settle()
            settings = {
                "GTR_APP": "",
                "GTR_TWILIO_ACCOUNT_SID": standin.account,
                "GTR_TWILIO_AUTH_TOKEN": standin.auth_token,
                "GTR_TWILIO_FROM": "+15005550006",
                "GTR_TWILIO_URL": standin.url,
                "GTR_SMS_COUNTRIES": "US",
                "GTR_CA_FILE": str(authority.ca_file),
            }
            yield database, _Twilio(standin, ledger), settings
        finally:
            await standin.stop()


async def _wait_until_settled(database: BenchDatabase, texts: int) -> None:
    """Wait until the ledger says of every text that it was sent."""
    latest = time.monotonic() + _PATIENCE_SECONDS
    row = None
    while row != (texts, texts):
        if time.monotonic() > latest:
            raise RuntimeError(f"of {texts} texts the ledger holds {row}")
        await asyncio.sleep(0.1)
        row = database.connection.execute(_ENDS).fetchone()
