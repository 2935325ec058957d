"""A scene: an app that writes, workers that send, providers that take; and faults among them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from chaos.books import Books, read_books
from chaos.cast import CANARY, PHONES, Cast, gather_cast
from chaos.checker import Verdict, check
from chaos.crew import Crew, Hand
from chaos.history import History
from chaos.recovery import Struck
from chaos.scrape import read_metrics, value_of
from chaos.watch import Watch
from chaos.writer import Writer
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT

from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import PhoneKind

PATIENCE_SECONDS = 60.0
# A worker takes note of the end of a job after the database does; of one that it has lost, when its
# provider's time is up.
_SETTLE_SECONDS = 15.0


class Scene:
    """Everything that takes part.

    Args:
        database: The app's database.
        providers: FCM, APNs and Expo.
        cast: Who writes to whom.
        crew: The workers.
        history: What happens is noted there.
    """

    def __init__(
        self,
        database: ProjectDatabase,
        providers: ProviderStandIns,
        cast: Cast,
        crew: Crew,
        history: History,
    ) -> None:
        self.database = database
        self.providers = providers
        self.cast = cast
        self.crew = crew
        self.history = history
        self.writer = Writer(database.api_dsn, cast)
        self.watch = Watch(database.superuser_dsn, crew)
        self.struck: list[Struck] = []
        self.pages: list[str] = []
        self.in_flight = 0.0

    def move_to(self, server: Server) -> None:
        """Let the app, the watch and the checker go to another server; workers find it by themselves."""
        self.database = replace(self.database, server=server)
        self.writer.dsn = self.database.api_dsn
        self.watch.dsn = self.database.superuser_dsn

    def strike(self, kind: str) -> None:
        """Note that a fault was done, and is over."""
        self.struck.append(Struck(kind, time.monotonic()))
        self.history.note("fault", kind=kind)

    @asynccontextmanager
    async def load(self, rate: float) -> AsyncIterator[None]:
        """Write so many rows a second meanwhile."""
        stopping = asyncio.Event()
        writing = asyncio.create_task(self.writer.write_at(rate, stopping))
        try:
            yield
        finally:
            stopping.set()
            await writing

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read rows as the superuser, for whom nothing is hidden."""
        async with await psycopg.AsyncConnection.connect(
            self.database.superuser_dsn, autocommit=True, connect_timeout=5
        ) as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def hold(self, *statements: str) -> AsyncIterator[None]:
        """Keep a transaction of the superuser open meanwhile, with whatever it locks."""
        async with (
            await psycopg.AsyncConnection.connect(
                self.database.superuser_dsn, autocommit=True
            ) as connection,
            connection.transaction(force_rollback=True),
        ):
            for statement in statements:
                await connection.execute(statement.encode())
            yield

    async def end_backends(self) -> None:
        """End every connection that workers have, at the server."""
        await self.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'gtr_worker' and datname = current_database()"
        )

    async def let_silence_pass(self, hand: Hand) -> None:
        """Make a worker as silent as it would be in half a minute; in the long form that is waited for."""
        await self.fetch(
            "update procrastinate.procrastinate_workers"
            " set last_heartbeat = last_heartbeat - interval '31 s' where id = any(%s)",
            list(hand.worker_ids),
        )

    async def until_said(self, hand: Hand, event: str, count: int = 1) -> None:
        """Wait until a worker has logged an event so many times."""
        async with asyncio.timeout(PATIENCE_SECONDS), hand.process.news:
            await hand.process.news.wait_for(lambda: len(hand.process.records_of(event)) >= count)

    async def skip_waits(self) -> None:
        """Make every job that waits for its next attempt due at once, as if the time had passed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self.fetch(
                "update procrastinate.procrastinate_jobs set scheduled_at = now()"
                " where status = 'todo' and scheduled_at > now() returning id"
            ):
                await asyncio.sleep(0.02)

    async def until_stalled(self, count: int = 1) -> None:
        """Wait until the providers leave so many requests without an answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(one.answered["Stall"] for one in self.providers.all.values()) < count:
                await asyncio.sleep(0.01)

    async def until(
        self, query: str, *expected: tuple[Any, ...], seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait until a query gives these rows.

        Raises:
            TimeoutError: It does not; says what it gave.
        """
        found: list[tuple[Any, ...]] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with suppress(psycopg.OperationalError):
                        found = await self.fetch(query)
                        if found == list(expected):
                            return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{query}: {found}") from None

    async def until_settled(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until no job is left in the queue."""
        await self.until("select job_id from gtr_jobs.jobs limit 1", seconds=seconds)

    async def finish(
        self, *, seconds: float = PATIENCE_SECONDS, may_lose_database: bool = False
    ) -> Verdict:
        """Drain the queue, send everybody home and check.

        Args:
            seconds: How long the queue may take; what is left then is found by the checker.
            may_lose_database: Whether workers may have ended by themselves.
        """
        return self.judge(await self.close_books(seconds), may_lose_database=may_lose_database)

    def judge(self, books: Books, *, may_lose_database: bool = False) -> Verdict:
        """Check the books, and note what is found."""
        verdict = check(books, may_lose_database=may_lose_database)
        self.history.note("verdict", findings=[str(finding) for finding in verdict.findings])
        return verdict

    async def close_books(self, seconds: float = PATIENCE_SECONDS) -> Books:
        """Drain the queue, send everybody home and read the books."""
        with suppress(TimeoutError):
            await self.until_settled(seconds)
        await self._read_pages()
        self.history.note("drained", in_flight=self.in_flight)
        # Before they leave: whatever they still held is then a dead worker's.
        books = await read_books(
            self.database.superuser_dsn,
            self.writer,
            self.providers,
            (CANARY, *self.cast.tokens),
        )
        books.lines += [("a metrics page", page) for page in self.pages]
        books.in_flight = self.in_flight
        books.longest_ownerless = self.watch.longest_ownerless
        await self.crew.rest()
        books.lines += [("a worker's log", line) for line in self.crew.said()]
        books.endings = self.crew.endings()
        return books

    async def _read_pages(self) -> None:
        """Read what the living workers tell the world, once they had time to take note of the last end."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            pages = [page for hand in self.crew.alive if (page := await _page_of(hand))]
            self.in_flight = sum(value_of(page, "gtr_worker_inflight_jobs") for page in pages)
            if not self.in_flight or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        self.pages += pages


async def _page_of(hand: Hand) -> str | None:
    try:
        return await read_metrics(hand.http)
    except OSError:
        return None


@asynccontextmanager
async def open_scene(
    database: ProjectDatabase,
    folder: Path,
    *,
    size: int = 8,
    phones: Sequence[tuple[PhoneKind, ...]] = PHONES,
    **settings: str,
) -> AsyncIterator[Scene]:
    """Set a scene, without workers; whoever still runs in the end is killed.

    Args:
        database: Where gtr_jobs is installed.
        folder: For keys and the history (history.jsonl).
        size: How many people are written to.
        phones: Which phones they have, one after another.
        settings: What the workers are told beside the usual.
    """
    async with AsyncExitStack() as stack:
        history = History(folder / "history.jsonl")
        stack.callback(history.close)
        providers = await stack.enter_async_context(ProviderStandIns())
        async with await database.connect_async() as connection:
            cast = await gather_cast(connection, providers, size=size, phones=phones)
        crew = Crew(
            {
                **providers.write_credentials(folder),
                "GTR_DATABASE_URL": database.worker_dsn,
                "GTR_PROJECT": PROJECT,
                "GTR_ENVIRONMENT": ENVIRONMENT,
                "GTR_HTTP_PORT": "0",
                "GTR_QUEUES": "push",
                # A line for every push, to look for what must not be in it.
                "GTR_LOG_LEVEL": "debug",
                **settings,
            },
            history,
        )
        stack.push_async_callback(crew.close)
        scene = Scene(database, providers, cast, crew, history)
        watching = asyncio.create_task(scene.watch.run())

        async def end_watch() -> None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

        stack.push_async_callback(end_watch)
        yield scene
