"""What a claim reads: what it takes, however the queue has grown since its session made a plan."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection
from support.jobs import claim, put_jobs, register_worker
from support.scans import reads_of

# More than after which a statement is planned no more.
RUNS = 12
CLAIM = (
    "select * from gtr_jobs.claim_jobs_after('push', %s, 100, %s::integer[], %s::bigint[], null)"
)


@pytest.mark.parametrize("is_behind", [False, True])
async def test_a_claim_reads_no_more_when_the_queue_has_grown(
    admin: AsyncConnection, is_behind: bool
) -> None:
    """While there were few jobs, going through them all seemed cheap."""
    worker_id = await register_worker(admin)
    front = ([0], [0]) if is_behind else (None, None)
    for _ in range(RUNS):
        await put_jobs(admin, 10)
        await admin.execute(CLAIM, (worker_id, *front))
    await put_jobs(admin, 20_000)
    reads = await reads_of(admin, CLAIM, worker_id, *front)
    assert not reads.tables
    # The entries of those that were claimed, and twice those that are.
    assert sum(reads.indexes.values()) <= 10 * RUNS + 2 * 100 + 10, reads
    assert len(await claim(admin, worker_id, 100)) == 100
