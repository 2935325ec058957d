"""gtr_jobs.pause_provider(), take_probe() and resume_provider(): accounts that no worker asks."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value

PAUSES = """
    select scope, name, round(amount) from gtr_jobs.read_switches()
    where lever = 'provider_pause' order by scope
"""


async def _pause(worker: AsyncConnection, reason: str, seconds: float, probe: float | None) -> None:
    await fetch_value(
        worker, "select gtr_jobs.pause_provider('fcm', %s, %s, %s)::text", reason, seconds, probe
    )


async def _take(worker: AsyncConnection) -> Any:
    return await fetch_value(worker, "select gtr_jobs.take_probe('fcm', 'failing', 10)")


async def test_every_worker_reads_which_accounts_are_paused_and_for_how_long(
    worker: AsyncConnection,
) -> None:
    """A shorter pause does not end a longer one; one that is over is not read."""
    await _pause(worker, "throttled", 60, None)
    await _pause(worker, "throttled", 5, None)
    await _pause(worker, "failing", 40, 10)
    await _pause(worker, "misconfigured", 0, 0)
    assert await fetch_rows(worker, PAUSES) == [("failing", "fcm", 40), ("throttled", "fcm", 60)]


async def test_a_pause_is_bounded(worker: AsyncConnection) -> None:
    """An hour and a bit, whatever is asked for."""
    await _pause(worker, "throttled", 1e9, None)
    assert await fetch_rows(worker, PAUSES) == [("throttled", "fcm", 3700)]


async def test_one_worker_gets_the_right_to_a_probe_when_it_is_time(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Not before, and no second one; where nobody says that the account fails, whoever asks."""
    assert await _take(worker) is True
    await _pause(worker, "failing", 40, 10)
    assert await _take(worker) is False
    await admin.execute("update gtr_jobs.provider_pauses set probe_at = now()")
    assert [await _take(worker) for _ in range(2)] == [True, False]


async def test_an_account_that_is_well_again_still_serves_what_it_was_throttled_for(
    worker: AsyncConnection,
) -> None:
    """Only the provider's own pause stays."""
    for reason in ("throttled", "failing", "misconfigured"):
        await _pause(worker, reason, 60, 10)
    await fetch_value(worker, "select gtr_jobs.resume_provider('fcm')::text")
    assert await fetch_rows(worker, PAUSES) == [("throttled", "fcm", 60)]


async def test_its_jobs_wait_until_the_pause_is_over(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """As those of a provider that an operator paused."""
    paused = "select gtr_jobs.is_paused('provider', 'fcm'), gtr_jobs.is_paused('provider', 'apns')"
    await _pause(worker, "throttled", 60, None)
    assert await fetch_rows(admin, paused) == [(True, False)]
    await admin.execute("update gtr_jobs.provider_pauses set paused_until = now()")
    assert await fetch_rows(admin, paused) == [(False, False)]
