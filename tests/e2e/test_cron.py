"""Cron lines with real workers: each tick once, whatever the number of workers and processes."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.command_line import run_command
from support.crons import EVENT, write_clockwork
from support.way import Way

from gtr_jobs.dev.worker_process import WorkerProcess

HOURS = 6

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def clockwork(way: Way, tmp_path: Path) -> dict[str, str]:
    """An app with a line of every hour and one of every day, installed."""
    settings = {**write_clockwork(tmp_path), "GTR_QUEUES": "reports"}
    migrated = await asyncio.to_thread(
        run_command,
        "db",
        "migrate",
        settings={"GTR_ADMIN_DATABASE_URL": way.database.dsn, **settings},
    )
    assert migrated.code == 0, migrated.err
    return settings


async def _turn_back(way: Way, name: str, hours: int) -> list[datetime]:
    """Let a line be watched for so long, with no worker alive; give the full hours since."""
    ((now,),) = await way.fetch("select now()")
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    await way.fetch("insert into gtr_jobs.cron (name, passed_at) values (%s, %s)", name, begin)
    return [begin + timedelta(hours=n) for n in range(1, hours + 1)]


async def _ticks_done(*workers: WorkerProcess) -> list[datetime]:
    return [
        datetime.fromisoformat(record["at"])
        for worker in workers
        for record in worker.records
        if record["event"] == EVENT
    ]


async def test_workers_and_processes_do_each_tick_once(way: Way, clockwork: dict[str, str]) -> None:
    """Six hours without a worker, then five processes at once: six jobs, the oldest first."""
    hours = await _turn_back(way, "hourly", HOURS)

    workers = await asyncio.gather(
        way.start_worker("--processes", "3", **clockwork),
        way.start_worker(**clockwork),
        way.start_worker(**clockwork),
    )
    ended = "select count(*) from gtr_jobs.job_history where kind = 'hourly_report'"
    async with asyncio.timeout(20):
        while (await way.fetch(ended))[0][0] < HOURS:
            await asyncio.sleep(0.05)
    for worker in workers:
        assert await worker.stop() == 0

    # An hour may have begun meanwhile: then it is one more.
    done = sorted(await _ticks_done(*workers))
    assert done[:HOURS] == hours
    assert len(done) == len(set(done)) <= HOURS + 1


async def test_a_line_whose_policy_is_to_skip_makes_nothing_good(
    way: Way, clockwork: dict[str, str]
) -> None:
    """Days without a worker: the daily line says how many it left out, and enqueues none of them."""
    await _turn_back(way, "daily", 100)

    worker = await way.start_worker(**clockwork)
    record = await worker.wait_for_event("cron.ticks_skipped")

    assert record["cron"] == "daily"
    assert record["ticks"] >= 4
    assert await way.fetch("select 1 from gtr_jobs.job_history where kind = 'daily_report'") == []


async def test_a_worker_ticks_only_what_it_drains(way: Way, clockwork: dict[str, str]) -> None:
    """Jobs of a queue that nobody drains do not pile up."""
    await _turn_back(way, "hourly", HOURS)
    worker = await way.start_worker("--queues", "push,maintenance", **clockwork)
    async with asyncio.timeout(20):
        while not await way.fetch("select 1 from gtr_jobs.cron where name = 'maintenance'"):
            await asyncio.sleep(0.05)
    assert await worker.stop() == 0

    assert await way.fetch(
        "select name from gtr_jobs.cron where passed_at > now() - interval '1 h'"
    ) == [("maintenance",)]
    assert await way.fetch("select 1 from gtr_jobs.jobs where queue = 'reports'") == []


def _list(way: Way, settings: dict[str, str], *arguments: str) -> str:
    ended = run_command(
        "cron", *arguments, settings={"GTR_ADMIN_DATABASE_URL": way.database.dsn, **settings}
    )
    assert ended.code == 0, ended.err
    return ended.out


async def test_the_command_lists_last_and_next_in_the_lines_zone(
    way: Way, clockwork: dict[str, str]
) -> None:
    """As text and as JSON; a line that no worker has watched has no next, and one that is gone says so."""
    berlin = datetime.fromisoformat("2026-07-01T04:30:00Z")
    await way.fetch(
        "insert into gtr_jobs.cron (name, passed_at, enqueued_tick) values ('daily', %s, %s), ('gone', %s, %s)",
        berlin, berlin, berlin, berlin,
    )  # fmt: skip

    lines: list[dict[str, Any]] = json.loads(
        await asyncio.to_thread(_list, way, clockwork, "--json")
    )
    found = {line.pop("name"): line for line in lines}

    ours = {"expo_receipts", "maintenance", "sms_records"}
    assert set(found) == {*ours, "hourly", "daily", "gone"}
    assert (found["hourly"]["schedule"], found["hourly"]["next"]) == ("0 * * * *", None)
    assert found["gone"]["schedule"] is None
    assert found["daily"]["zone"] == "Europe/Berlin"
    assert found["daily"]["last"] == "2026-07-01T06:30+02:00"
    following = datetime.fromisoformat(found["daily"]["next"])
    assert (following.hour, following.minute) == (6, 30)
    ((now,),) = await way.fetch("select now()")
    assert timedelta(0) < following - now <= timedelta(days=1, hours=1)

    text = await asyncio.to_thread(_list, way, clockwork)
    (daily,) = [line for line in text.splitlines() if line.startswith("daily")]
    assert "2026-07-01T06:30+02:00" in daily
    assert "not in this version" in text


async def test_maintenance_forgets_what_is_old_and_nothing_else(way: Way) -> None:
    """A worker's own line: old partitions and old rows go, the ledger of today stays."""
    await way.connection.execute(
        "create table gtr_jobs.deliveries_20200101 partition of gtr_jobs.deliveries"
        " for values from ('2020-01-01') to ('2020-01-02')"
    )
    await way.connection.execute(
        "insert into gtr_jobs.job_history (day, job_id, queue, kind, ended, attempts, trace_id, enqueued_at)"
        " values ('2020-01-01', 1, 'push', 'message', 'done', 1, 't', now())"
    )
    await way.connection.execute(
        "insert into gtr_jobs.enqueue_errors (source, sqlstate, message, context, failed_at)"
        " values ('old', 'XX000', '', '', now() - interval '8 days'), ('new', 'XX000', '', '', now())"
    )
    await _turn_back(way, "maintenance", 2)

    worker = await way.start_worker(GTR_QUEUES="maintenance", GTR_KEEP_HISTORY_DAYS="7")
    record = await worker.wait_for_event("maintenance.done")
    await way.wait_until_settled()

    assert record["partitions"] == ["deliveries_20200101"]
    assert record["rows"] == {
        "deliveries": 0,
        "job_history": 1,
        "enqueue_errors": 1,
        "idempotency_keys": 0,
        "expo_tickets": 0,
        "outgoing": 0,
        "delivery_reports": 0,
    }
    assert await way.fetch("select source from gtr_jobs.enqueue_errors") == [("new",)]
    assert await way.fetch("select distinct kind from gtr_jobs.job_history") == [("maintenance",)]


async def test_maintenance_leaves_a_table_in_use_to_the_next_hour(way: Way) -> None:
    """A backup holds the ledger all the while: it says so, and does the rest."""
    await way.connection.execute(
        "create table gtr_jobs.deliveries_20200101 partition of gtr_jobs.deliveries"
        " for values from ('2020-01-01') to ('2020-01-02')"
    )
    await _turn_back(way, "maintenance", 2)
    async with await way.database.connect_async() as backup, backup.transaction():
        await backup.execute("select count(*) from gtr_jobs.deliveries")
        worker = await way.start_worker(GTR_QUEUES="maintenance")
        record = await worker.wait_for_event("maintenance.postponed", 40)
        assert record["table"] == "deliveries"
        assert (await worker.wait_for_event("maintenance.done"))["partitions"] == []
    assert await worker.stop() == 0
