"""public.my_deliveries(): what became of the messages to oneself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value
from support.refusals import refused
from support.scans import reads_of

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
ME = UUID("00000000-0000-4000-8000-00000000000a")
OTHER = UUID("00000000-0000-4000-8000-00000000000b")


async def _write(admin: AsyncConnection, user_id: UUID | None, *minutes: int, **more: Any) -> None:
    values = {"kind": "message", "state": "sent", "days": 0} | more
    await admin.execute(
        """
        insert into gtr_jobs.deliveries (
            day, dedupe_key, kind, channel, provider, user_id, device_id, state, outcome, code, provider_id,
            job_id, trace_id, created_at, updated_at
        )
        select %(noon)s::date + %(days)s, gen_random_uuid(), %(kind)s, 'push', 'apns', %(user_id)s,
            gen_random_uuid(), %(state)s::gtr_jobs.delivery_state, 'accepted', 'a-code', 'a-secret', 1, 't',
            %(noon)s + make_interval(days => %(days)s, mins => m),
            %(noon)s + make_interval(days => %(days)s, mins => m + 1)
        from unnest(%(minutes)s::integer[]) as m
        """,
        values | {"noon": NOON, "user_id": user_id, "minutes": list(minutes)},
    )


async def _read(api: AsyncConnection, user_id: UUID, arguments: str = "") -> list[tuple[Any, ...]]:
    async with as_user(api, user_id):
        return await fetch_rows(
            api, f"select * from public.my_deliveries({arguments.replace('%', '%%')})"
        )


def _at(minutes: int, days: int = 0) -> datetime:
    return NOON + timedelta(days=days, minutes=minutes)


async def test_people_see_what_became_of_their_messages(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """Newest first, over the days; no more than kind, channel, state and times."""
    await _write(admin, ME, 0)
    await _write(admin, ME, 5, kind="forum_reply", state="failed", days=1)
    async with as_user(api, ME):
        cursor = await api.execute("select * from public.my_deliveries()")
        assert [column.name for column in cursor.description or ()] == [
            "kind",
            "channel",
            "state",
            "created_at",
            "updated_at",
        ]
        assert await cursor.fetchall() == [
            ("forum_reply", "push", "failed", _at(5, 1), _at(6, 1)),
            ("message", "push", "sent", _at(0), _at(1)),
        ]


async def test_people_see_nothing_of_others(api: AsyncConnection, admin: AsyncConnection) -> None:
    """Nor what was nobody's because its row was gone."""
    await _write(admin, OTHER, 0)
    await _write(admin, None, 0)
    await _write(admin, ME, 7)
    assert [row[3] for row in await _read(api, ME)] == [_at(7)]
    assert [row[3] for row in await _read(api, OTHER)] == [_at(0)]
    assert await _read(api, uuid4()) == []


async def test_a_page_begins_before_the_last_one_ended(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """Following the last created_at comes to every delivery once."""
    await _write(admin, ME, *range(25))
    seen: list[datetime] = []
    before = "null"
    while page := await _read(api, ME, f"10, {before}"):
        seen += [row[3] for row in page]
        before = f"'{seen[-1].isoformat()}'"
    assert seen == [_at(minute) for minute in range(24, -1, -1)]


async def test_what_was_written_in_one_moment_stays_on_one_page(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """A person's devices are answered for together: none of them falls between two pages."""
    await _write(admin, ME, 1, 2, 2, 2, 3)
    assert [row[3] for row in await _read(api, ME, "2")] == [_at(3), _at(2), _at(2), _at(2)]
    assert [row[3] for row in await _read(api, ME, f"2, '{_at(2).isoformat()}'")] == [_at(1)]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "null"])
async def test_a_page_has_1_to_200_rows(api: AsyncConnection, limit: str) -> None:
    """Anything else is refused."""
    with refused(422, "limit"):
        await _read(api, ME, limit)
    assert await _read(api, ME, "200") == []


async def test_only_people_who_are_signed_in_ask(
    api: AsyncConnection, database: ProjectDatabase
) -> None:
    """Neither anybody with the public key nor a server; a token without a person is 401."""
    for caller in (as_anon(api), as_service_role(api)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with caller:
                await api.execute("select * from public.my_deliveries()")
    async with await database.connect_async() as connection:
        with refused(401, "not_signed_in"):
            await connection.execute("select * from public.my_deliveries()")


async def test_a_page_is_found_by_index_in_every_partition(admin: AsyncConnection) -> None:
    """Among thousands of deliveries of eight days, few are read, and no partition is gone through."""
    await _write_many(admin)
    await _write(admin, ME, *range(50), days=1)
    await _write(admin, ME, *range(50), days=2)
    await admin.execute("analyze gtr_jobs.deliveries")
    await admin.execute(
        "select set_config('request.jwt.claims', %s, false)", (f'{{"sub": "{ME}"}}',)
    )
    reads = await reads_of(admin, "select gtr_jobs.my_deliveries(20, null)")
    assert reads.tables == {}
    assert sum(reads.indexes.values()) <= 40


async def test_the_plan_reads_every_partition_by_the_persons_index(admin: AsyncConnection) -> None:
    """In the order of the answer, so that it stops where the page is full: nothing is sorted."""
    await _write_many(admin)
    await admin.execute("analyze gtr_jobs.deliveries")
    plan = await fetch_value(
        admin,
        """
        explain (format json) select d.kind from gtr_jobs.deliveries as d
        where d.user_id = %s and d.created_at < 'infinity'
        order by d.created_at desc fetch first 20 rows with ties
        """,
        OTHER,
    )
    nodes = list(_nodes_of(plan[0]["Plan"]))
    kinds = {node["Node Type"] for node in nodes}
    assert kinds == {"Limit", "Merge Append", "Index Scan"}
    partitions = await fetch_value(
        admin,
        "select count(*) from pg_inherits where inhparent = 'gtr_jobs.deliveries'::regclass",
    )
    scans = [node for node in nodes if node["Node Type"] == "Index Scan"]
    assert len(scans) == partitions
    assert {node["Index Cond"].partition("=")[0] for node in scans} == {"((user_id "}


async def _write_many(admin: AsyncConnection) -> None:
    for day in range(8):
        await admin.execute(
            """
            insert into gtr_jobs.deliveries (
                day, dedupe_key, kind, channel, user_id, state, outcome, job_id, trace_id, created_at
            )
            select %(noon)s::date + %(day)s, gen_random_uuid(), 'message', 'push',
                case when n %% 10 = 0 then %(other)s::uuid else gen_random_uuid() end, 'sent', 'accepted', 1, 't',
                %(noon)s + make_interval(days => %(day)s, secs => n)
            from generate_series(1, 1000) as n
            """,
            {"noon": NOON, "day": day, "other": OTHER},
        )


def _nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes_of(child))]
