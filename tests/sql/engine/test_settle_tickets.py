"""gtr_jobs.settle_tickets(): what a receipt makes of the ledger, of devices and of the queue."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.jobs import REGISTERED_AT, claim, fetch_rows, fetch_value, register_worker
from support.tickets import WAITING, send_to_expo, settle

LEDGER = "select state::text, outcome::text, code, attempts from gtr_jobs.deliveries"
DEVICES = "select device_id, dead_reason, dead_registration from gtr_jobs.devices"
DEVICE = UUID("00000000-0000-4000-8000-00000000000d")


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


@pytest.fixture
async def key(admin: AsyncConnection, worker: AsyncConnection, worker_id: int) -> UUID:
    """A delivery that Expo took."""
    (sent,) = await send_to_expo(admin, worker, worker_id, "t-1", device_id=DEVICE)
    return sent


@pytest.mark.parametrize(
    ("state", "outcome", "code"),
    [
        ("sent", "accepted", "receipt_ok"),
        ("sent", "accepted", "receipt_missing"),
        ("failed", "rejected", "MessageTooBig"),
        ("failed", "misconfigured", "MismatchSenderId"),
    ],
)
async def test_the_ledger_says_what_the_receipt_says(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID, state: str, outcome: str, code: str
) -> None:
    """And the ticket is gone; nothing is queued and no device is given up."""
    assert await settle(worker, key, "t-1", state, outcome, code) == [key]
    assert await fetch_rows(admin, LEDGER) == [(state, outcome, code, 1)]
    assert await fetch_rows(admin, WAITING) == []
    assert await fetch_rows(admin, DEVICES) == []
    assert await fetch_value(admin, "select count(*) from gtr_jobs.jobs") == 0


async def test_a_dead_device_is_dead_as_of_the_registration_that_was_used(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID
) -> None:
    """So a device that registered since stays."""
    await settle(worker, key, "t-1", "failed", "dead_target", "DeviceNotRegistered")
    assert await fetch_rows(admin, LEDGER) == [("failed", "dead_target", "DeviceNotRegistered", 1)]
    assert await fetch_rows(admin, DEVICES) == [(DEVICE, "DeviceNotRegistered", REGISTERED_AT)]


async def test_an_older_death_does_not_replace_a_newer_one(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID
) -> None:
    """Receipts come late."""
    await admin.execute(
        "insert into gtr_jobs.devices (device_id, dead_since, dead_reason, dead_registration)"
        " values (%s, now(), 'Unregistered', now())",
        (DEVICE,),
    )
    await settle(worker, key, "t-1", "failed", "dead_target", "DeviceNotRegistered")
    assert await fetch_value(admin, "select dead_reason from gtr_jobs.devices") == "Unregistered"


async def test_a_push_that_is_tried_again_is_a_job_of_its_one_device(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID
) -> None:
    """Later, under the event's own day, age and trace, and as a job that ran before."""
    query = "select kind, args, trace_id, enqueued_at, day from gtr_jobs.expo_tickets"
    ((kind, args, trace_id, enqueued_at, day),) = await fetch_rows(admin, query)
    await settle(worker, key, "t-1", "queued", "retry", "MessageRateExceeded")
    assert await fetch_rows(admin, LEDGER) == [("queued", "retry", "MessageRateExceeded", 1)]
    rows = await fetch_rows(
        admin,
        """
        select queue_name, task_name, args, trace_id, enqueued_at, event_day, claim_number, status::text,
            scheduled_at - now() between interval '290 s' and interval '301 s'
        from procrastinate.procrastinate_jobs
        """,
    )
    again = args | {"only_device": str(DEVICE)}
    assert rows == [("push", kind, again, trace_id, enqueued_at, day, 1, "todo", True)]


async def test_a_ticket_is_settled_once(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID
) -> None:
    """Two workers that asked for the same receipt: the second changes nothing."""
    assert await settle(worker, key, "t-1", "queued", "retry", "ExpoError") == [key]
    assert await settle(worker, key, "t-1", "queued", "retry", "ExpoError") == []
    assert await fetch_value(admin, "select count(*) from gtr_jobs.jobs") == 1


async def test_the_receipt_of_an_older_ticket_says_nothing_of_a_newer_one(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, key: UUID
) -> None:
    """The same delivery has gone out again meanwhile."""
    await settle(worker, key, "t-1", "queued", "retry", "ExpoError")
    await admin.execute("update procrastinate.procrastinate_jobs set scheduled_at = null")
    (job,) = await claim(worker, worker_id)
    assert job.claim_number == 2
    await admin.execute(
        "insert into gtr_jobs.expo_tickets (day, dedupe_key, ticket_id, device_id, registered_at, kind, args,"
        " trace_id, enqueued_at) select day, dedupe_key, 't-2', device_id, now(), kind, '{}', trace_id, now()"
        " from gtr_jobs.deliveries"
    )
    assert await settle(worker, key, "t-1", "failed", "rejected", "MessageTooBig") == []
    assert await fetch_rows(admin, WAITING) == [(key, "t-2", 0)]


async def test_a_kind_that_is_no_longer_known_is_not_tried_again(
    admin: AsyncConnection, worker: AsyncConnection, key: UUID
) -> None:
    """The ledger says that it failed, and nothing waits for ever."""
    await admin.execute("update gtr_jobs.expo_tickets set kind = 'gone'")
    await settle(worker, key, "t-1", "queued", "retry", "ExpoError")
    assert await fetch_rows(admin, LEDGER) == [("failed", "retry", "ExpoError", 1)]
    assert await fetch_value(admin, "select count(*) from gtr_jobs.jobs") == 0
