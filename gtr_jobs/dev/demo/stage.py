"""What the story is played on: a database, stand-ins for the providers, and the daemon."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gtr_jobs.app.database import installation_plan
from gtr_jobs.db.connect import Database, connect
from gtr_jobs.db.migrate import Identity, migrate
from gtr_jobs.db.password import set_worker_password
from gtr_jobs.dev.postgres import Server, start_server
from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.supabase import create_supabase_database
from gtr_jobs.dev.worker_process import WorkerProcess

POSTGRES_VERSION = 18
DATABASE = "gtr_demo"
IDENTITY = Identity("gtr-demo", "demo")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs.

    Args:
        server: PostgreSQL.
        database: As the project's role postgres.
        providers: FCM, APNs and Expo.
        worker: The daemon.
        http: Where its health and metrics are.
    """

    server: Server
    database: psycopg.AsyncConnection
    providers: ProviderStandIns
    worker: WorkerProcess
    http: str

    @property
    def dsn(self) -> str:
        """Where the database is, for the role postgres."""
        return self.server.dsn(DATABASE)


@asynccontextmanager
async def set_stage(say: Say) -> AsyncIterator[Stage]:
    """Start everything on this machine, and take it away again at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="gtr-demo-") as folder,
        start_server(POSTGRES_VERSION, Path(folder) / "postgres") as postgres,
    ):
        server = postgres.address
        say(f"PostgreSQL {POSTGRES_VERSION} runs on 127.0.0.1:{server.port}")
        dsn = create_supabase_database(server, DATABASE, default_grants="new")
        say("a Supabase project's roles, auth, storage and the app's tables are there")
        with connect(Database(dsn, "GTR_ADMIN_DATABASE_URL")) as connection:
            done = migrate(connection, installation_plan(), IDENTITY, lambda _: None)
            set_worker_password(connection, server.password)
        say(f"gtr_jobs is installed: {len(done.steps)} steps, {len(done.files)} files, as postgres")
        async with (
            ProviderStandIns() as providers,
            await psycopg.AsyncConnection.connect(dsn, autocommit=True) as database,
            WorkerProcess(_worker_environment(server, providers, Path(folder))) as worker,
        ):
            started = await worker.wait_for_event("worker.started")
            say("stand-ins for FCM, APNs and Expo listen; the worker runs as gtr_worker")
            yield Stage(server, database, providers, worker, str(started["http"]))


def _worker_environment(
    server: Server, providers: ProviderStandIns, folder: Path
) -> dict[str, str]:
    return {
        **providers.write_credentials(folder),
        "GTR_DATABASE_URL": server.dsn(DATABASE, "gtr_worker"),
        "GTR_PROJECT": IDENTITY.project or "",
        "GTR_ENVIRONMENT": IDENTITY.environment or "",
        "GTR_HTTP_PORT": "0",
    }
