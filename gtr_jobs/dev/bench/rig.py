"""What is measured on: a server with its defaults, a Supabase project's database, and real worker processes."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from gtr_jobs.app.database import plan_of
from gtr_jobs.db.connect import Database, connect
from gtr_jobs.db.migrate import Identity, migrate
from gtr_jobs.db.password import set_worker_password
from gtr_jobs.dev.bench.jobs import REFERENCE
from gtr_jobs.dev.postgres import Server, start_server
from gtr_jobs.dev.supabase import create_supabase_database
from gtr_jobs.dev.worker_process import WorkerProcess
from gtr_jobs.settings import Settings

_IDENTITY = Identity("gtr-bench", "bench")
_names = count(1)


def describe_machine() -> dict[str, Any]:
    """Say what machine figures are of, and how busy it was."""
    return {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "load_before": round(os.getloadavg()[0], 2),
    }


@dataclass(frozen=True, slots=True)
class Rig:
    """A server to measure on.

    Args:
        server: Where it is; it keeps what was committed, and vacuums, as a real one does.
        version: Its major version.
    """

    server: Server
    version: int

    @contextmanager
    def open_database(self) -> Iterator[BenchDatabase]:
        """Make a database in which gtr_jobs and the jobs to be measured are installed."""
        name = f"bench_{next(_names)}"
        dsn = create_supabase_database(self.server, name, default_grants="new")
        settings = Settings(_env_file=None, app=REFERENCE)
        with connect(Database(dsn, "GTR_ADMIN_DATABASE_URL")) as connection:
            migrate(connection, plan_of(settings), _IDENTITY, lambda _: None)
            set_worker_password(connection, self.server.password)
            yield BenchDatabase(self.server, name, connection)

    def make_empty_database(self) -> str:
        """Make a database for a peer, owned by postgres, and give its address."""
        name = f"bench_{next(_names)}"
        with psycopg.connect(self.server.superuser_dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name} owner postgres".encode())
        return self.server.dsn(name)

    def describe(self) -> dict[str, Any]:
        """Say what machine and versions the figures are of."""
        return {"postgres": self.version} | describe_machine()


@dataclass(frozen=True, slots=True)
class BenchDatabase:
    """One database, as postgres, and what a worker needs to work in it."""

    server: Server
    name: str
    connection: psycopg.Connection

    @property
    def worker_dsn(self) -> str:
        """Where it is, for the worker's role."""
        return self.server.dsn(self.name, "gtr_worker")

    def settings(self, *queues: str, **more: str) -> dict[str, str]:
        """Write a worker's environment."""
        return {
            "GTR_APP": REFERENCE,
            "GTR_DATABASE_URL": self.worker_dsn,
            "GTR_PROJECT": _IDENTITY.project or "",
            "GTR_ENVIRONMENT": _IDENTITY.environment or "",
            "GTR_QUEUES": ",".join(queues),
            "GTR_CONCURRENCY": "10000",
            "GTR_HTTP_PORT": "0",
            # What is measured is the worker, not what providers allow.
            "GTR_FCM_RATE": "off",
            "GTR_EXPO_RATE": "off",
            **more,
        }

    @asynccontextmanager
    async def run_worker(self, *queues: str, **more: str) -> AsyncIterator[WorkerProcess]:
        """Run a worker process, with everything on, and stop it in order."""
        async with WorkerProcess(self.settings(*queues, **more)) as worker:
            yield worker
            await worker.stop()

    def put_jobs(self, kind: str, jobs: int) -> None:
        """Enqueue jobs, each about a row of its own."""
        self.connection.execute("select gtr_bench.put_jobs(%s, %s)", (kind, jobs))

    def forget_jobs(self) -> None:
        """Empty the queue."""
        self.connection.execute("delete from gtr_jobs.jobs")

    def settle(self) -> None:
        """Let nothing of what was written before be paid for while it is measured."""
        self.connection.execute("vacuum analyze")
        with psycopg.connect(self.server.superuser_dsn(), autocommit=True) as superuser:
            superuser.execute("checkpoint")


@contextmanager
def open_rig(version: int) -> Iterator[Rig]:
    """Start a server with its defaults on this machine, and take it away again."""
    with (
        tempfile.TemporaryDirectory(prefix="gtr-bench-") as folder,
        start_server(version, Path(folder) / "postgres", durable=True) as server,
    ):
        yield Rig(server.address, version)
