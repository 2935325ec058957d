"""Stops a local server once nobody uses it any more, however its users ended.

Everyone who uses a server holds a shared lock on its lease file, and the kernel takes that lock back when
a process dies, even of SIGKILL. A guard, a small process of its own, waits for the exclusive lock: when
it has it, nobody is left. `python -m gtr_jobs.dev.postgres_guard FOLDER` is how it is started.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gtr_jobs.dev.postgres_cluster import Cluster

SERVER_FILE = "server.json"
_LEASE_FILE = "lease"


def take_lease(folder: Path) -> BinaryIO:
    """Say that this process uses the folder's server; until the lease is given back, or the process ends."""
    lease = (folder / _LEASE_FILE).open("ab")
    fcntl.flock(lease, fcntl.LOCK_SH)
    return lease


def give_back_lease(lease: BinaryIO, folder: Path, cluster: Cluster) -> None:
    """Say that this process is done with the server; the last one who says so stops it and deletes it."""
    with lease:
        fcntl.flock(lease, fcntl.LOCK_UN)
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Others use it still: this comes back at once. Or the guard was quicker: wait until it is done.
            fcntl.flock(lease, fcntl.LOCK_SH)
        else:
            _dismantle(folder, cluster)


def set_guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start the guard of a folder whose lease is taken; the returned process ends as soon as the guard stands."""
    return subprocess.Popen(
        [sys.executable, "-m", "gtr_jobs.dev.postgres_guard", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _dismantle(folder: Path, cluster: Cluster) -> None:
    # Nothing of it is kept: it need not write down what it has in memory.
    cluster.stop("immediate")
    cluster.remove()
    for name in (SERVER_FILE, _LEASE_FILE):
        (folder / name).unlink(missing_ok=True)
    # Only if nothing else is in it.
    with suppress(OSError):
        folder.rmdir()


def _guard(folder: Path) -> None:
    described = json.loads((folder / SERVER_FILE).read_text(encoding="utf-8"))
    cluster = Cluster.from_description(described["cluster"])
    with (folder / _LEASE_FILE).open("ab") as lease:
        # Away from the terminal and its Ctrl-C, and no child that anybody has to wait for.
        if os.fork():
            os._exit(0)
        os.setsid()
        os.chdir("/")
        fcntl.flock(lease, fcntl.LOCK_EX)
        if (folder / SERVER_FILE).exists():
            _dismantle(folder, cluster)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]).resolve())
