"""Machines that run out of something: disk, file descriptors, memory, or somebody who reads the log."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from chaos.checker import Verdict
from chaos.crew import Hand
from chaos.scene import Scene, open_scene
from support.clusters import ProjectServer, mount_memory, start_project
from support.command_line import make_environment

from gtr_jobs.dev.worker_process import GTR_JOBS
from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(150)

_DISK_MEGABYTES = 400


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk, which the server's user reaches."""
    with tempfile.TemporaryDirectory(prefix="gtr-jobs-disk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with mount_memory(folder / "disk", _DISK_MEGABYTES):
                yield folder / "disk"
        except PermissionError as error:
            pytest.skip(f"mounting a small file system is not allowed here: {error}")


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """Take all that is left on a disk."""
    filler = disk / "filler"
    with filler.open("wb") as stream:
        try:
            while True:
                stream.write(b"\0" * 65_536)
                stream.flush()
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


async def _fill_under_load(
    project: ProjectServer, folder: Path, disk: Path, then: Callable[[], object] | None = None
) -> Verdict:
    """Fill a disk while workers work, empty it, do what is to be done then, and check."""
    async with open_scene(project.database, folder) as scene:
        await scene.crew.supervise(2)
        async with scene.load(rate=50):
            await _until_sent(scene, 50)
            with _full(disk):
                await _until_refused(scene)
                await asyncio.sleep(2)
            if then is not None:
                await asyncio.to_thread(then)
            scene.strike("disk full")
            await _until_sent(scene, 50)
        return await scene.finish()


async def _until_refused(scene: Scene) -> None:
    """Wait until the app can write no more."""
    async with asyncio.timeout(60):
        while all(row.fate == "committed" for row in scene.writer.rows[:-1]):
            await asyncio.sleep(0.05)


async def _until_sent(scene: Scene, more: int) -> None:
    await scene.providers.ledger.wait_for(scene.providers.ledger.total + more, timeout=60)


async def test_a_full_disk_under_the_tables_is_waited_for(disk: Path, tmp_path: Path) -> None:
    """Fault 16, class 53100: the log has room and the tables have none; nothing is lost or doubled."""
    with start_project(disk / "server") as project, _log_elsewhere(project):
        verdict = await _fill_under_load(project, tmp_path, disk)

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0


async def test_a_full_disk_under_the_log_is_survived(disk: Path, tmp_path: Path) -> None:
    """Fault 16, PANIC: the server crashes for want of room, and again until there is some."""
    with start_project(disk / "server") as project:
        verdict = await _fill_under_load(project, tmp_path, disk, partial(_bring_up, project))

    assert not verdict.findings, str(verdict)


@contextmanager
def _log_elsewhere(project: ProjectServer) -> Iterator[None]:
    """Move the server's log (pg_wal) to another disk."""
    cluster = project.server.cluster
    with tempfile.TemporaryDirectory(prefix="gtr-jobs-wal-") as name:
        elsewhere = Path(name)
        project.server.go_down()
        wal = cluster.data / "pg_wal"
        wal.rename(cluster.data / "pg_wal_before")
        subprocess.run(["cp", "-a", cluster.data / "pg_wal_before", elsewhere / "wal"], check=True)
        shutil.rmtree(cluster.data / "pg_wal_before")
        elsewhere.chmod(0o755)
        wal.symlink_to(elsewhere / "wal")
        project.server.come_up()
        try:
            yield
        finally:
            project.server.go_down("immediate")


def _bring_up(project: ProjectServer) -> None:
    """See that the server is up: it may have come up by itself, or have given up for good."""
    try:
        project.run("select")
    except psycopg.OperationalError:
        project.server.go_down("immediate")
        project.server.come_up()


async def test_a_worker_without_file_descriptors_works_again_when_it_has_some(
    scene: Scene,
) -> None:
    """Fault 36: its connections are ended and it can open no other, until the limit is raised."""
    hand = await scene.crew.start()
    async with scene.load(rate=30):
        await _until_sent(scene, 30)
        before = resource.prlimit(hand.process.pid, resource.RLIMIT_NOFILE)
        # Fewer than it needs without any connection to the database.
        few = _count_open(hand) // 2
        resource.prlimit(hand.process.pid, resource.RLIMIT_NOFILE, (few, before[1]))
        await scene.end_backends()
        await scene.until_said(hand, events.DATABASE_AWAY)
        await asyncio.sleep(3)
        resource.prlimit(hand.process.pid, resource.RLIMIT_NOFILE, before)
        scene.strike("no file descriptors")
        await _until_sent(scene, 30)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)


def _count_open(hand: Hand) -> int:
    return len(list(Path(f"/proc/{hand.process.pid}/fd").iterdir()))


async def test_a_worker_without_memory_loses_nothing(scene: Scene) -> None:
    """Fault 36: no further memory is to be had; it goes on or ends, and another does the rest."""
    hand = await scene.crew.start()
    await scene.writer.write(20)
    await scene.until_settled()
    size = _size_of(hand)
    resource.prlimit(hand.process.pid, resource.RLIMIT_AS, (size, size))
    await scene.writer.write(300)
    await asyncio.sleep(3)
    await scene.crew.kill(hand)
    await scene.let_silence_pass(hand)

    await scene.crew.start()

    books = await scene.close_books()
    # However it ended, it need not have been by our hand.
    books.endings = [ending for ending in books.endings if ending.number != hand.number]
    books.lines = [line for line in books.lines if "Traceback" not in line[1]]
    verdict = scene.judge(books)
    assert not verdict.findings, str(verdict)


def _size_of(hand: Hand) -> int:
    pages = Path(f"/proc/{hand.process.pid}/statm").read_text(encoding="utf-8").split()[0]
    return int(pages) * resource.getpagesize()


async def test_a_worker_whose_log_nobody_reads_goes_on(scene: Scene) -> None:
    """Fault 36: the pipe of its log is full for good; hundreds of jobs are done, and it stops in order."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *GTR_JOBS,
        "worker",
        env=make_environment({**scene.crew.settings, "GTR_LOG_LEVEL": "debug"}),
        stderr=writing,
    )
    os.close(writing)
    await scene.writer.write(600)
    await scene.until_settled()
    process.send_signal(signal.SIGTERM)
    code = await process.wait()
    os.close(reading)

    verdict = await scene.finish()

    assert code == 0
    assert not verdict.findings, str(verdict)
    assert verdict.jobs == 600


async def test_a_worker_whose_log_has_no_disk_left_goes_on(scene: Scene, disk: Path) -> None:
    """Fault 36: the file of its log lies on a full disk."""
    with (disk / "worker.log").open("wb") as log, _full(disk):
        process = await asyncio.create_subprocess_exec(
            *GTR_JOBS, "worker", env=make_environment(scene.crew.settings), stderr=log
        )
        await scene.writer.write(100)
        await scene.until_settled()
        process.send_signal(signal.SIGTERM)
        code = await process.wait()

    verdict = await scene.finish()

    assert code == 0
    assert not verdict.findings, str(verdict)
