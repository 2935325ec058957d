"""gtr_jobs.audit: what operators did stays written."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.dead import bury, discard, requeue
from support.jobs import fetch_rows, fetch_value
from support.scans import reads_of

ACTS = "select actor, database_role, action, reason from gtr_jobs.read_job_audit(%s)"


@pytest.mark.parametrize(
    "statement",
    [
        "update gtr_jobs.audit set reason = 'other' where true",
        "delete from gtr_jobs.audit where true",
        "truncate gtr_jobs.audit",
    ],
)
async def test_nothing_that_was_written_changes(admin: AsyncConnection, statement: str) -> None:
    """Not even for the owner: a grant could not keep them out."""
    await requeue(admin, await bury(admin))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        await admin.execute(statement.encode())
    assert await fetch_value(admin, "select reason from gtr_jobs.audit") == "keys were renewed"


async def test_the_role_is_the_one_that_logged_in(admin: AsyncConnection) -> None:
    """Who acts says their own name; the role is what Postgres knows, whatever it is set to."""
    (job_id,) = await bury(admin)
    await admin.execute("grant usage on schema gtr_jobs to service_role")
    await admin.execute("grant execute on all functions in schema gtr_jobs to service_role")
    await admin.execute("set role service_role")
    assert await fetch_value(admin, "select current_user") == "service_role"
    await requeue(admin, [job_id])
    assert await fetch_rows(admin, ACTS, job_id) == [
        ("ann@desk", "postgres", "requeue", "keys were renewed")
    ]


async def test_a_jobs_acts_are_found_by_the_job(admin: AsyncConnection) -> None:
    """In the order in which they were done, by an index, whoever else was acted on."""
    first, second = await bury(admin, 2)
    await requeue(admin, [first, second])
    assert await discard(admin, await bury(admin)) == 1
    assert [action for _, _, action, _ in await fetch_rows(admin, ACTS, second)] == ["requeue"]
    await admin.execute(
        "insert into gtr_jobs.audit (run_id, actor, database_role, action, reason, wanted, detail,"
        " job_count, job_ids) select gen_random_uuid(), 'a', 'b', 'c', 'd', '{}', '{}', 3,"
        " array[n * 10, n * 10 + 1, n * 10 + 2] from generate_series(1000, 20000) as n"
    )
    await admin.execute("analyze gtr_jobs.audit")
    reads = await reads_of(admin, "select * from gtr_jobs.read_job_audit(%s)", first)
    assert "gtr_jobs.audit" not in reads.tables
    assert "gtr_jobs.audit_job_ids" in reads.indexes
