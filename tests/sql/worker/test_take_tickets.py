"""gtr_jobs.take_tickets(): whose receipt is due, and to whom it is given."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import (
    ack,
    claim,
    delivery_of,
    end_of,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)
from support.tickets import WAITING, send_to_expo, take, wait_long


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def test_what_expo_took_waits_for_its_receipt(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """With all that trying again takes, and neither content nor token."""
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    sent = delivery_of(job, provider="expo", provider_id="t-1")
    await ack(worker, worker_id, end_of(job), deliveries=[sent])
    query = """
        select day, dedupe_key::text, ticket_id, device_id::text, registered_at = %s::timestamptz, kind, args,
            trace_id, asked
        from gtr_jobs.expo_tickets
    """
    assert await fetch_rows(admin, query, sent["registered_at"]) == [
        (
            job.event_day, sent["dedupe_key"], "t-1", sent["device_id"], True, "message", job.args,
            job.trace_id, 0,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"provider": "apns"},
        {"provider": "fcm"},
        {"state": "failed", "outcome": "rejected", "provider_id": None},
        {"state": "unknown", "outcome": "ambiguous", "provider_id": None},
        {"provider_id": ""},
        {"provider_id": "t" * 201},
        {"device_id": None},
    ],
    ids=repr,
)
async def test_nothing_else_waits_for_one(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, more: dict[str, object]
) -> None:
    """What another provider has, what was not taken, and what could not be asked for."""
    await send_to_expo(admin, worker, worker_id, "t-1", **more)
    assert await fetch_rows(admin, WAITING) == []


async def test_an_ack_that_comes_too_late_leaves_no_ticket(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It is written with the end of its job, or not at all."""
    await put_jobs(admin)
    (job,) = await claim(worker, worker_id)
    late = end_of(job) | {"claim_number": job.claim_number - 1}
    await ack(worker, worker_id, late, deliveries=[delivery_of(job, provider="expo")])
    assert await fetch_rows(admin, WAITING) == []


async def test_tickets_are_due_when_they_have_waited(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """And once taken they wait anew: nobody else gets them meanwhile."""
    await send_to_expo(admin, worker, worker_id, "t-1", "t-2")
    assert await take(worker) == []
    await wait_long(admin, 899)
    assert await take(worker) == []
    await wait_long(admin, 901)
    assert await take(worker) == [("t-1", "message", 1), ("t-2", "message", 1)]
    assert await take(worker) == []
    assert [asked for _, _, asked in await fetch_rows(admin, WAITING)] == [1, 1]


async def test_those_that_have_waited_longest_come_first_and_no_more_than_asked_for(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A backlog is worked off from its beginning."""
    await send_to_expo(admin, worker, worker_id, "t-1", "t-2", "t-3")
    await wait_long(admin)
    await admin.execute(
        "update gtr_jobs.expo_tickets set waits_since = waits_since - interval '1 minute' where ticket_id = 't-3'"
    )
    assert await take(worker, limit=1) == [("t-3", "message", 1)]


async def test_a_ticket_that_another_worker_takes_is_left_to_it(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, database: ProjectDatabase
) -> None:
    """Nobody waits for the other."""
    await send_to_expo(admin, worker, worker_id, "t-1", "t-2")
    await wait_long(admin)
    async with await database.connect_async("gtr_worker") as other, other.transaction():
        assert len(await take(other, limit=1)) == 1
        assert len(await take(worker)) == 1


async def test_what_could_not_be_asked_for_can_wait_for_less(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A minute, of the fifteen that it would wait."""
    (key,) = await send_to_expo(admin, worker, worker_id, "t-1")
    await wait_long(admin)
    await take(worker)
    day = await fetch_value(admin, "select day from gtr_jobs.expo_tickets")
    put_off = "select gtr_jobs.put_off_tickets(%s, %s, 900, 60)"
    assert await fetch_value(worker, put_off, [day], [key]) == 1
    left = "select extract(epoch from waits_since + interval '900 s' - now())::float from gtr_jobs.expo_tickets"
    assert 55 < await fetch_value(admin, left) <= 60


async def test_calls_are_bounded(worker: AsyncConnection) -> None:
    """Whoever asks for everything is told so."""
    for statement in (
        "select gtr_jobs.put_off_tickets(array_fill(now()::date, '{2001}'), '{}', 900, 60)",
        "select gtr_jobs.settle_tickets((select jsonb_agg('{}'::jsonb) from generate_series(1, 2001)))",
    ):
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            await worker.execute(statement.encode())


async def test_due_tickets_are_found_by_an_index(admin: AsyncConnection) -> None:
    """In its order, without a sort."""
    await admin.execute("set enable_seqscan = off")
    await admin.execute("set enable_bitmapscan = off")
    plan = await fetch_rows(
        admin,
        "explain select day from gtr_jobs.expo_tickets where waits_since <= now()"
        " order by waits_since limit 100 for update skip locked",
    )
    text = "\n".join(line for (line,) in plan)
    assert "using expo_tickets_waiting" in text
    assert "Sort" not in text
