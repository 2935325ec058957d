"""The whole way for a test: the app's database, stand-ins for the providers, and real workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT
from support.onlooker import Onlooker
from support.people import create_conversation, create_device, create_person
from support.warm import WarmWorker

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import PhoneKind
from gtr_jobs.dev.worker_process import WorkerProcess


@dataclass(frozen=True)
class Person:
    """A person of the app and the tokens of their phones."""

    user_id: UUID
    tokens: dict[PhoneKind, str]


@dataclass
class Way:
    """Everything between a row and a phone.

    Args:
        database: The app's database.
        connection: As the project's role postgres.
        providers: FCM, APNs and Expo.
        settings: A worker's environment.
    """

    database: ProjectDatabase
    connection: psycopg.AsyncConnection
    providers: ProviderStandIns
    settings: dict[str, str]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self._onlooker = Onlooker(lambda: self.database.superuser_dsn)

    async def start_worker(self, *arguments: str, **settings: str) -> WorkerProcess:
        """Start a worker; it is killed at the end of the test if it still runs then."""
        return await self.start_worker_in(None, *arguments, **settings)

    async def start_worker_in(
        self, folder: Path | None, *arguments: str, **settings: str
    ) -> WorkerProcess:
        """Start a worker in a working directory, where its `.env` is."""
        worker = WarmWorker({**self.settings, **settings}, arguments, folder=folder)
        return await self._stack.enter_async_context(worker)

    async def add_person(self, username: str, full_name: str, *kinds: PhoneKind) -> Person:
        """Make a person with a phone of each kind."""
        user_id = await create_person(self.connection, username, full_name)
        tokens = {}
        for kind in kinds:
            tokens[kind] = self.providers.phones.add_new(kind)
            await create_device(self.connection, user_id, tokens[kind])
        return Person(user_id, tokens)

    async def add_conversation(self, one: Person, other: Person) -> UUID:
        """Begin a conversation."""
        return await create_conversation(self.connection, one.user_id, other.user_id)

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read rows as the superuser, for whom nothing is hidden."""
        return await self._onlooker.fetch(query, *parameters)

    async def wait_for_records(
        self, worker: WorkerProcess, count: int, **wanted: object
    ) -> list[dict[str, Any]]:
        """Wait until a worker has logged so many records with these values, and give them."""
        async with asyncio.timeout(15), worker.news:
            while True:
                found = [
                    record
                    for record in worker.records
                    if all(record.get(name) == value for name, value in wanted.items())
                ]
                if len(found) >= count:
                    return found
                await worker.news.wait()

    async def wait_until_settled(self) -> None:
        """Wait until no job is left in the queue: every outcome is written then."""
        async with asyncio.timeout(15):
            while await self.fetch("select 1 from gtr_jobs.jobs limit 1"):
                await asyncio.sleep(0.01)

    async def skip_waits(self) -> None:
        """Make every job that waits for its time due at once, as if the time had passed."""
        async with asyncio.timeout(15):
            while not await self.fetch(
                "update procrastinate.procrastinate_jobs set scheduled_at = now()"
                " where status = 'todo' and scheduled_at > now() returning id"
            ):
                await asyncio.sleep(0.01)

    async def deliveries(self) -> list[tuple[Any, ...]]:
        """Read the ledger: provider, state, outcome, code, attempts and whether it was resent."""
        return await self.fetch(
            "select provider, state::text, outcome::text, code, attempts, resent_after_unknown"
            " from gtr_jobs.deliveries order by provider, created_at, dedupe_key"
        )

    async def close(self) -> None:
        """Stop what was started."""
        await self._stack.aclose()
        await self._onlooker.close()


@asynccontextmanager
async def open_way(database: ProjectDatabase, folder: Path) -> AsyncIterator[Way]:
    """Start stand-ins that know a worker's keys, beside a database in which gtr_jobs is installed."""
    async with (
        ProviderStandIns() as providers,
        await database.connect_async() as connection,
    ):
        settings = {
            **providers.write_credentials(folder),
            "GTR_DATABASE_URL": database.worker_dsn,
            "GTR_PROJECT": PROJECT,
            "GTR_ENVIRONMENT": ENVIRONMENT,
            "GTR_HTTP_PORT": "0",
            # Without what is done once an hour: that hour may begin in the middle of a test.
            "GTR_QUEUES": "push,match",
            # A line for every push, to look for what must not be in it.
            "GTR_LOG_LEVEL": "debug",
        }
        way = Way(database, connection, providers, settings)
        try:
            yield way
        finally:
            await way.close()
