"""A parent of processes that do as they are told by the test: how it starts them anew, and when it gives up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from gtr_jobs.observe.merging import MergedMetrics
from gtr_jobs.observe.processes import ProcessMetrics
from gtr_jobs.ops.processes import ProcessStatus, ProcessTable
from gtr_jobs.worker import parent as parents
from gtr_jobs.worker.parent import Parent, ParentParts

# A process that is told in a file, by its number, how to live: a code to end with at once, `works` and then a
# code, `works` for as long as its parent wants, or deaf.
CHILD = """
import json, pathlib, signal, socket, sys
folder, parent = pathlib.Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
lines = parent.makefile("rb")
number = json.loads(lines.readline())["process"]
with (folder / "starts").open("a") as starts:
    starts.write(f"{number}\\n")
plan = (folder / str(number)).read_text().split()
if plan[0] == "works":
    health = {"is_claiming": True, "is_stopping": False, "seconds_since_answer": 0.0, "details": {}}
    parent.sendall(json.dumps({"health": health, "families": []}).encode() + b"\\n")
if plan[-1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pause()
if plan[-1] == "works":
    line = lines.readline()
    if b"reload" in line:
        (folder / f"reloaded_{number}").touch()
        line = lines.readline()
    (folder / f"told_{number}").write_bytes(line)
    sys.exit(0)
sys.exit(int(plan[-1]))
"""


class NoSite:
    """Pages that nobody asks for."""

    def bind(self) -> str:
        """Give an address."""
        return "http://127.0.0.1:1"

    async def run(self) -> None:
        """Do nothing until cancelled."""
        await asyncio.Event().wait()


@dataclass
class Running:
    """A parent, and what it said.

    Args:
        folder: Where its processes are told how to live.
    """

    parent: Parent
    table: ProcessTable
    metrics: ProcessMetrics
    log: LogCapture
    task: asyncio.Task[int]
    folder: Path

    def starts(self, number: int) -> int:
        """Say how often a process was started."""
        path = self.folder / "starts"
        return path.read_text().split().count(str(number)) if path.exists() else 0

    def events(self, name: str) -> list[dict[str, Any]]:
        """Give what was said of an event."""
        return [dict(entry) for entry in self.log.entries if entry["event"] == name]

    async def until_working(self) -> None:
        """Wait until every process works."""
        async with asyncio.timeout(15):
            while any(status.state() != "working" for status in self.table.statuses):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _run(folder: Path, *plans: str, grace_seconds: float = 5.0) -> AsyncIterator[Running]:
    for number, plan in enumerate(plans, 1):
        (folder / str(number)).write_text(plan)
    log, table, metrics = (
        LogCapture(),
        ProcessTable(tuple(ProcessStatus(n + 1) for n in range(len(plans)))),
        ProcessMetrics(),
    )
    logger: Any = structlog.wrap_logger(
        None, processors=[log], wrapper_class=structlog.make_filtering_bound_logger("debug")
    )
    parent = Parent(
        ParentParts(
            table=table,
            merged=MergedMetrics(),
            metrics=metrics,
            site=NoSite(),
            log=logger,
            given={},
            grace_seconds=grace_seconds,
            command=(sys.executable, "-c", CHILD, str(folder)),
        )
    )
    task = asyncio.create_task(parent.run())
    try:
        yield Running(parent, table, metrics, log, task, folder)
    finally:
        parent.stop()
        parent.stop()
        await asyncio.wait([task])


async def test_all_are_started_and_told_to_stop_once(tmp_path: Path) -> None:
    """Exit 0 once all ended; each heard one order."""
    async with _run(tmp_path, "works", "works", "works") as running:
        await running.until_working()
        assert running.table.is_ready()
        running.parent.stop()
        assert await running.task == 0
    assert [(tmp_path / f"told_{n}").read_bytes() for n in (1, 2, 3)] == [b'"stop"\n'] * 3
    assert running.metrics.registry.get_sample_value("gtr_processes") == 0


async def test_all_are_told_to_read_credentials_anew_and_go_on(tmp_path: Path) -> None:
    """One that does not work yet finds the order when it does; none is stopped by it."""
    async with _run(tmp_path, "works", "works") as running:
        async with asyncio.timeout(15):
            while len(running.parent._children) < 2:
                await asyncio.sleep(0.01)
        running.parent.reload()
        async with asyncio.timeout(15):
            while not all((tmp_path / f"reloaded_{n}").exists() for n in (1, 2)):
                await asyncio.sleep(0.01)
        await running.until_working()
        assert (running.starts(1), running.starts(2)) == (1, 1)
        running.parent.stop()
        assert await running.task == 0


@pytest.mark.parametrize("code", [78, 75, 2, 70])
async def test_what_keeps_the_first_from_starting_is_said_once(tmp_path: Path, code: int) -> None:
    """The others are not even started, and the parent ends as it did."""
    async with _run(tmp_path, str(code), "works", "works") as running:
        assert await running.task == code
    assert [running.starts(n) for n in (1, 2, 3)] == [1, 0, 0]


async def test_a_process_that_ends_is_started_anew(tmp_path: Path) -> None:
    """Whatever its exit code; the others go on."""
    async with _run(tmp_path, "works", "works 70") as running:
        async with asyncio.timeout(15):
            while running.starts(2) < 2:
                await asyncio.sleep(0.01)
        assert running.starts(1) == 1
        first = running.events("processes.ended")[0]
        assert (first["process"], first["exit_code"]) == (2, 70)
        (tmp_path / "2").write_text("works")
        await running.until_working()
        assert running.table.statuses[1].restarts >= 1


async def test_a_loop_of_ends_slows_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start waits longer than the one before, up to a bound."""
    monkeypatch.setattr(parents, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(parents, "_LONGEST_WAIT_SECONDS", 0.1)
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    async with _run(tmp_path, "works 70") as running:
        async with asyncio.timeout(15):
            while running.starts(1) < 7:
                await asyncio.sleep(0.01)
        waits = [entry["restart_in_seconds"] for entry in running.events("processes.ended")]
    assert waits[:6] == [0.0, 0.0, 0.1, 0.1, 0.1, 0.1]


async def test_when_none_can_begin_any_more_the_parent_ends_as_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They worked, and after a migration none of them can live with the database."""
    monkeypatch.setattr(parents, "_FIRST_WAIT_SECONDS", 0.01)
    async with _run(tmp_path, "works", "works") as running:
        await running.until_working()
        for number in (1, 2):
            (tmp_path / str(number)).write_text("78")
        for child in running.parent._children.values():
            child.kill()
        assert await running.task == 78


async def test_as_long_as_one_works_the_parent_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other is tried again and again."""
    monkeypatch.setattr(parents, "_FIRST_WAIT_SECONDS", 0.01)
    async with _run(tmp_path, "works", "78") as running:
        async with asyncio.timeout(15):
            while running.starts(2) < 3:
                await asyncio.sleep(0.01)
        assert not running.task.done()
        assert next(status.state() for status in running.table.statuses) == "working"
        assert not running.table.is_ready()


async def test_a_process_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace period and some: exit 70, and nothing of it is left."""
    monkeypatch.setattr(parents, "_STOP_SECONDS", 0.2)
    async with _run(tmp_path, "works", "works deaf", grace_seconds=0.1) as running:
        await running.until_working()
        running.parent.stop()
        assert await running.task == 70
    (killed,) = running.events("processes.killed")
    assert killed["process"] == 2


async def test_a_process_that_says_nothing_for_long_is_killed_and_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted in looks, not in seconds: a machine that slept kills nobody."""
    monkeypatch.setattr(parents, "_LOOK_SECONDS", 0.01)
    async with _run(tmp_path, "works deaf") as running:
        async with asyncio.timeout(15):
            while running.starts(1) < 2:
                await asyncio.sleep(0.01)
    names = [entry["event"] for entry in running.log.entries]
    assert names.index("processes.silent") < names.index("processes.killed")
    assert running.events("processes.ended")[0]["exit_code"] == -9
