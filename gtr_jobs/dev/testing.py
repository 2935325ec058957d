"""For the tests of another team's app: the whole way on one machine, from a row to a phone.

    from gtr_jobs.dev.testing import Bench, open_bench

    @pytest.fixture
    async def bench(tmp_path):
        async with open_bench(tmp_path, app="garage.jobs:app", tables=[TABLES]) as bench:
            yield bench

PostgreSQL is embedded, the providers are stand-ins, the worker is a process of its own. What is
exported here stays as it is. Needs pip install "gtr-jobs[demo]".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from gtr_jobs.app.database import plan_of
from gtr_jobs.db.connect import Database, connect
from gtr_jobs.db.migrate import Identity, migrate
from gtr_jobs.db.password import set_worker_password
from gtr_jobs.dev.postgres import start_server
from gtr_jobs.dev.standins import ProviderStandIns, Shown, show
from gtr_jobs.dev.standins.phones import PhoneKind
from gtr_jobs.dev.supabase import create_supabase_database
from gtr_jobs.dev.worker_process import WorkerProcess
from gtr_jobs.settings import Settings

__all__ = ["Bench", "PhoneKind", "Shown", "open_bench"]

NEWEST_POSTGRES = 18
PATIENCE_SECONDS = 15.0

_DATABASE = "app"
_IDENTITY = Identity("app", "test")


@dataclass(frozen=True, slots=True)
class Bench:
    """An app's database in which gtr_jobs and the app are installed, and providers to send to.

    Args:
        connection: As the project's role postgres.
        providers: FCM, APNs and Expo; they can be told to fail.
        settings: A worker's environment.
    """

    connection: psycopg.AsyncConnection
    providers: ProviderStandIns
    settings: dict[str, str]
    _stack: AsyncExitStack

    async def start_worker(self, **settings: str) -> WorkerProcess:
        """Start a worker; it is killed at the end of the test if it still runs then.

        Args:
            settings: Settings of its own, such as `GTR_QUEUES="push"`.
        """
        worker = WorkerProcess({**self.settings, **settings})
        return await self._stack.enter_async_context(worker)

    async def add_person(self, *phones: PhoneKind) -> UUID:
        """Make an account with a phone of each kind, and give its id."""
        user_id = uuid4()
        await self.connection.execute(
            "insert into auth.users (id, aud, role, email, email_confirmed_at, created_at, updated_at)"
            " values (%s, 'authenticated', 'authenticated', %s, now(), now(), now())",
            (user_id, f"{user_id}@example.test"),
        )
        for kind in phones:
            await self.insert(
                "public.user_device_tokens",
                user_id=user_id,
                device_token=self.providers.phones.add_new(kind),
                platform="android" if kind == "fcm" else "ios",
            )
        return user_id

    async def insert(self, table: str, **values: Any) -> UUID:
        """Write a row as the app would, and give its id.

        Args:
            table: As `schema.name`; its key is called `id`.
            values: By column.
        """
        statement = sql.SQL("insert into {} ({}) values ({}) returning id").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        )
        cursor = await self.connection.execute(statement, values)
        row = await cursor.fetchone()
        if row is None:
            raise LookupError(f"the database gave no id for a row of {table}")
        row_id: UUID = row[0]
        return row_id

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read rows."""
        cursor = await self.connection.execute(query.encode(), parameters)
        return await cursor.fetchall()

    async def wait_for_pushes(self, count: int) -> list[Shown]:
        """Wait until so many pushes were accepted, and give how they look, in their order."""
        accepted = await self.providers.ledger.wait_for(count, timeout=PATIENCE_SECONDS)
        return [show(entry) for entry in accepted]

    async def wait_until_settled(self) -> None:
        """Wait until no job is left in any queue: what came of each is written then."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if not await self.fetch("select from gtr_jobs.jobs limit 1"):
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def open_bench(
    folder: Path,
    *,
    app: str,
    tables: Sequence[Path] = (),
    postgres: int = NEWEST_POSTGRES,
    has_marketplace: bool = False,
) -> AsyncIterator[Bench]:
    """Start everything on this machine, and take it away again at the end.

    Args:
        folder: Where keys and the server's file are written; a test's `tmp_path`.
        app: As GTR_APP names it.
        tables: Files of SQL that make what the app has without gtr_jobs, run as postgres before it
            is installed. Supabase's own schemas and roles are there.
        postgres: The major version; 18 and 16 come with `gtr-jobs[demo]`.
        has_marketplace: Whether the tables of the package's own first app are there too.
    """
    settings = Settings(_env_file=None, app=app)
    with start_server(postgres, folder / "postgres") as server:
        dsn = create_supabase_database(
            server.address, _DATABASE, default_grants="new", with_app_tables=has_marketplace
        )
        with connect(Database(dsn, "GTR_ADMIN_DATABASE_URL")) as connection:
            for file in tables:
                connection.execute(file.read_bytes())
            migrate(connection, plan_of(settings), _IDENTITY, lambda _: None)
            set_worker_password(connection, server.address.password)
        async with (
            ProviderStandIns() as providers,
            await psycopg.AsyncConnection.connect(dsn, autocommit=True) as rows,
        ):
            environment = {
                **providers.write_credentials(folder),
                "GTR_APP": app,
                "GTR_DATABASE_URL": server.address.dsn(_DATABASE, "gtr_worker"),
                "GTR_PROJECT": _IDENTITY.project or "",
                "GTR_ENVIRONMENT": _IDENTITY.environment or "",
                "GTR_HTTP_PORT": "0",
            }
            async with AsyncExitStack() as workers:
                yield Bench(rows, providers, environment, workers)
