"""gtr_jobs.claim_limited(): as a claim, and never more at once than operators allow, whoever else claims."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import (
    ack,
    count_jobs,
    fall_silent,
    fetch_rows,
    fetch_value,
    put_jobs,
    register_worker,
)
from support.scans import reads_of
from support.switches import clear_switch, set_switch

NOW = datetime.now(UTC)
COLUMNS = "job_id, kind, args, attempts, max_attempts, claim_number, lost_claims, event_day, trace_id, enqueued_at"


async def _claim(connection: AsyncConnection, worker_id: int, limit: int | None = 100) -> list[Any]:
    """Claim, and give the ids and the rows of what was claimed."""
    rows = await fetch_rows(
        connection,
        "select job_id, args from gtr_jobs.claim_limited('push', %s, %s)",
        worker_id,
        limit,
    )
    return [(job_id, args.get("id")) for job_id, args in rows]


async def _put_keyed(admin: AsyncConnection, *keys: str | None) -> None:
    """Enqueue a job for each key, in this order."""
    await admin.execute(
        """
        select gtr_jobs.enqueue(array(
            select gtr_jobs.job('message', jsonb_strip_nulls(jsonb_build_object('id', key)), null)
            from unnest(%s::text[]) with ordinality as keys (key, n)
            order by n
        ))
        """,
        (list(keys),),
    )


async def _end(connection: AsyncConnection, worker_id: int, *job_ids: int) -> None:
    ends = [
        {"job_id": job_id, "claim_number": 1, "ended": "done", "attempted": True}
        | {"maybe_sent": False}
        for job_id in job_ids
    ]
    assert await ack(connection, worker_id, *ends) == set(job_ids)


@pytest.fixture
async def worker_id(worker: AsyncConnection) -> int:
    """A worker on the register."""
    return await register_worker(worker)


async def test_without_limits_it_claims_as_the_plain_claim_does(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """The same jobs in the same order, with the same said of each."""
    await put_jobs(admin, 3)
    await put_jobs(admin, 2, kind="saved_search_match")
    await put_jobs(admin, 2, run_at=NOW - timedelta(hours=1))
    await put_jobs(admin, 2, run_at=NOW + timedelta(hours=1))
    claims = []
    for name in ("claim_jobs", "claim_limited"):
        async with worker.transaction(force_rollback=True):
            claims.append(
                await fetch_rows(
                    worker, f"select {COLUMNS} from gtr_jobs.{name}('push', %s, 6)", worker_id
                )
            )
    assert claims[0] == claims[1]
    assert len(claims[1]) == 6


async def test_a_paused_kind_is_not_claimed(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Whether it was put off by then or not."""
    await put_jobs(admin, 2)
    (other,) = await put_jobs(admin, kind="forum_like")
    await set_switch(admin, "pause", "kind", "message")
    assert [row for _, row in await _claim(worker, worker_id)] == [str(other)]


async def test_no_more_run_at_once_than_the_limit(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Of all workers together; one that ends makes room for one."""
    other_id = await register_worker(worker)
    rows = await put_jobs(admin, 10)
    await set_switch(admin, "limit", "queue", "push", 3)
    first = await _claim(worker, worker_id, 2)
    second = await _claim(worker, other_id)
    assert [row for _, row in first + second] == [str(row) for row in rows[:3]]
    assert await _claim(worker, worker_id) == []
    await _end(worker, worker_id, first[0][0])
    assert [row for _, row in await _claim(worker, other_id)] == [str(rows[3])]
    await clear_switch(admin, "limit", "queue", "push")
    assert len(await _claim(worker, worker_id)) == 6


async def test_no_more_of_a_key_run_at_once_than_its_limit(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Others go past; a job without the argument is not limited by it."""
    await _put_keyed(admin, "a", "a", "b", "a", None, "b", None, "c")
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    first = await _claim(worker, worker_id)
    assert [key for _, key in first] == ["a", "b", None, None, "c"]
    assert await _claim(worker, worker_id) == []
    await _end(worker, worker_id, first[0][0])
    assert [key for _, key in await _claim(worker, worker_id)] == ["a"]


async def test_limits_of_queue_and_keys_hold_together(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """A job runs where each of them has room."""
    await admin.execute(
        "select gtr_jobs.enqueue(array(select gtr_jobs.job('message',"
        " jsonb_build_object('id', n % 3, 'shop', n % 2), null) from generate_series(1, 24) as n))"
    )
    await set_switch(admin, "limit", "queue", "push", 5)
    await set_switch(admin, "limit", "queue", "push", 2, per="id")
    await set_switch(admin, "limit", "queue", "push", 3, per="shop")
    while await _claim(worker, worker_id, 1):
        pass
    running = await fetch_rows(
        admin, "select args ->> 'id', args ->> 'shop' from gtr_jobs.jobs where status = 'doing'"
    )
    assert len(running) == 5
    assert max(Counter(key for key, _ in running).values()) == 2
    assert max(Counter(shop for _, shop in running).values()) == 3


async def test_a_key_with_thousands_of_jobs_at_the_head_does_not_starve_the_others(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """Where nothing near may run the claim looks past them, as far as 10,000."""
    await _put_keyed(admin, *["a"] * 5000, "b")
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    claims = [await _claim(worker, worker_id) for _ in range(3)]
    assert [[key for _, key in claimed] for claimed in claims] == [["a"], ["b"], []]


async def test_what_a_dead_worker_held_counts_until_it_is_rescued(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int
) -> None:
    """It may still be sending: only then does another begin."""
    await _put_keyed(admin, "a", "a")
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    (held,) = await _claim(worker, await register_worker(worker))
    await fall_silent(admin, await fetch_value(admin, "select max(worker_id) from gtr_jobs.jobs"))
    assert await _claim(worker, worker_id) == []
    await worker.execute("select gtr_jobs.rescue_jobs('30 s', 10)")
    assert await _claim(worker, worker_id) == [held]


async def test_a_worker_that_is_not_on_the_register_claims_nothing(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """As with the plain claim."""
    await put_jobs(admin)
    assert await _claim(worker, 999) == []


@pytest.mark.parametrize("limit", [None, 100_000])
async def test_no_claim_is_without_a_limit(
    admin: AsyncConnection, worker: AsyncConnection, worker_id: int, limit: int | None
) -> None:
    """Whoever asks for everything gets a thousand."""
    await put_jobs(admin, 1200)
    assert len(await _claim(worker, worker_id, limit)) == 1000


async def test_four_who_claim_at_the_same_time_never_exceed_a_limit(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Each looks after every claim how many run: of the queue, and of each key. All are done, each once."""
    keys = [f"k{n % 5}" for n in range(200)]
    await _put_keyed(admin, *keys)
    await set_switch(admin, "limit", "queue", "push", 4)
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    done: list[int] = []
    most: list[tuple[int, int]] = []

    async def drain() -> None:
        async with (
            await database.connect_async("gtr_worker") as connection,
            await database.connect_async() as looker,
        ):
            worker_id = await register_worker(connection)
            while await count_jobs(looker):
                claimed = await _claim(connection, worker_id, 3)
                ((running, of_a_key),) = await fetch_rows(
                    looker,
                    "select coalesce(sum(jobs), 0)::integer, coalesce(max(jobs), 0)::integer from ("
                    " select count(*) as jobs from gtr_jobs.jobs where status = 'doing'"
                    " group by args ->> 'id') as keys",
                )
                most.append((running, of_a_key))
                done.extend(job_id for job_id, _ in claimed)
                if claimed:
                    await _end(connection, worker_id, *(job_id for job_id, _ in claimed))

    await asyncio.gather(*(drain() for _ in range(4)))
    assert max(running for running, _ in most) <= 4
    assert max(of_a_key for _, of_a_key in most) == 1
    assert Counter(Counter(done).values()) == {1: 200}


async def test_a_limited_claim_reads_no_other_queue_and_nothing_for_later(
    admin: AsyncConnection, worker_id: int
) -> None:
    """It looks at the first thousand of its own, whatever else waits."""
    await admin.execute(
        "insert into procrastinate.procrastinate_jobs (queue_name, task_name, scheduled_at)"
        " select 'slow', 'wash', null from generate_series(1, 30000) union all"
        " select 'push', 'message', now() + interval '1 day' from generate_series(1, 30000)"
    )
    await put_jobs(admin, 3000)
    await set_switch(admin, "limit", "queue", "push", 50)
    await admin.execute("vacuum analyze procrastinate.procrastinate_jobs")
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    reads = await reads_of(admin, "select gtr_jobs.claim_limited('push', %s, 10)", worker_id)
    assert reads.tables.get("procrastinate.procrastinate_jobs") is None
    assert reads.indexes["procrastinate.gtr_jobs_ready"] == 1000
    assert reads.indexes.get("procrastinate.gtr_jobs_scheduled", 0) == 0
    assert max(reads.indexes.values()) <= 1000
