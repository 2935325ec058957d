"""An operator learns why sending is paused, and lets it go on."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value

READ = (
    "select paused_since is not null, reasons, timeline_was, timeline from gtr_jobs.read_lineage()"
)


async def _look(
    worker: AsyncConnection, witness: object, pulse: int | None = None
) -> tuple[object, ...]:
    ((now, paused_since, reasons),) = await fetch_rows(
        worker, "select * from gtr_jobs.check_lineage(%s, %s)", witness, pulse
    )
    return now, paused_since is not None, reasons


async def _acknowledge(admin: AsyncConnection) -> object:
    return await fetch_value(
        admin,
        "select gtr_jobs.acknowledge_lineage(%s, 'ann@desk', 'looked', '{\"acknowledge\": true}')",
        uuid4(),
    )


async def test_before_a_worker_looked_there_is_nothing_to_tell(admin: AsyncConnection) -> None:
    """And nothing to acknowledge."""
    assert await fetch_rows(admin, READ) == []
    assert await _acknowledge(admin) == []
    assert await fetch_value(admin, "select count(*) from gtr_jobs.audit") == 0


async def test_what_stands_in_the_book_is_shown_beside_what_is_so(
    worker: AsyncConnection, admin: AsyncConnection
) -> None:
    """Paused or not, why, and both timelines."""
    await _look(worker, uuid4())
    assert await fetch_rows(admin, READ) == [(False, [], 1, 1)]
    await admin.execute("update gtr_jobs.lineage set timeline = 77 where true")
    await _look(worker, uuid4())
    assert await fetch_rows(admin, READ) == [(True, ["timeline"], 77, 1)]


@pytest.mark.parametrize("has_looked", [True, False])
async def test_acknowledging_makes_what_is_so_right(
    worker: AsyncConnection, admin: AsyncConnection, has_looked: bool
) -> None:
    """Also before any worker has looked; the audit has who, why and what it was."""
    await _look(worker, uuid4())
    await admin.execute("update gtr_jobs.lineage set timeline = 77 where true")
    if has_looked:
        await _look(worker, uuid4())
    assert await _acknowledge(admin) == ["timeline"]
    assert (await _look(worker, uuid4()))[1:] == (False, [])
    assert await fetch_rows(
        admin,
        "select actor, action, reason, detail -> 'reasons', detail -> 'timeline_was', detail -> 'timeline', job_count"
        " from gtr_jobs.audit",
    ) == [("ann@desk", "resume", "looked", ["timeline"], 77, 1, 0)]
    assert await _acknowledge(admin) == []


async def test_after_it_no_witness_remembers_more(
    worker: AsyncConnection, admin: AsyncConnection
) -> None:
    """Those that remember, those that were paused, and those of a second restore count on from the same height."""
    one, other = uuid4(), uuid4()
    for witness in (one, other):
        await _look(worker, witness)
    assert (await _look(worker, one, 1000))[1:] == (True, ["ledger"])
    assert await _acknowledge(admin) == ["ledger"]
    pulse, *rest = await _look(worker, one, 1000)
    assert rest == [False, []]
    assert (await _look(worker, one, int(str(pulse))))[1:] == (False, [])
    assert (await _look(worker, other, 10**9))[1:] == (False, [])
