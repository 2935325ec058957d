"""A real PgBouncer before a test's server, in transaction mode or another."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from support.databases import ProjectDatabase

from gtr_jobs.dev.postgres import _find_free_port
from gtr_jobs.dev.postgres_user import find_other_user

_PATIENCE_SECONDS = 10.0
_CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = pgbouncer_admin
pool_mode = {pool_mode}
default_pool_size = {size}
query_wait_timeout = 3
server_login_retry = 1
logfile =
pidfile =
"""


class PgBouncer:
    """A pooler on a port of 127.0.0.1; `start` and `stop` may be called again and again."""

    def __init__(self, folder: Path, program: str, port: int, database: ProjectDatabase) -> None:
        self._folder = folder
        self._program = program
        self._database = database
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    @property
    def worker_dsn(self) -> str:
        """The database's address for gtr_worker, through the pooler."""
        here = f":{self._database.server.port}/"
        return self._database.worker_dsn.replace(here, f":{self.port}/")

    def start(self) -> None:
        """Start it and wait until it lets somebody in."""
        user, group = (find_other_user() if os.geteuid() == 0 else None) or (None, None)
        self._process = subprocess.Popen(
            [self._program, "-q", self._folder / "pgbouncer.ini"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            group=group,
            extra_groups=[] if user else None,
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.worker_dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it at once: every connection through it breaks."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None


@contextmanager
def run_pgbouncer(
    database: ProjectDatabase, *, pool_mode: str = "transaction", size: int = 4
) -> Iterator[PgBouncer]:
    """Start a pooler before a database's server; a test is skipped where the program is missing."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer is on this machine: `make pgbouncer` installs it from Debian")
    with tempfile.TemporaryDirectory(prefix="gtr-pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = _find_free_port()
        users = folder / "users.txt"
        users.write_text(f'"gtr_worker" "{database.server.password}"\n', encoding="utf-8")
        (folder / "pgbouncer.ini").write_text(
            _CONFIGURATION.format(
                host=database.server.host,
                port=database.server.port,
                own_port=port,
                users=users,
                pool_mode=pool_mode,
                size=size,
            ),
            encoding="utf-8",
        )
        pooler = PgBouncer(folder, program, port, database)
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()
