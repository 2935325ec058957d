"""The engine on a real database, with a handler of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from psycopg import AsyncConnection
from structlog.testing import LogCapture
from support.databases import ProjectDatabase
from support.jobs import fetch_value

from gtr_jobs.db.connect import Database
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.lineage import Lineage
from gtr_jobs.engine.batches import Finish, Handler, LaneSpec
from gtr_jobs.engine.context import EngineContext, make_context
from gtr_jobs.engine.job import Done, Job
from gtr_jobs.engine.lane import Lane
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.wake import WakeUp
from gtr_jobs.observe.metrics import Metrics

PATIENCE_SECONDS = 10.0


@dataclass
class Batches:
    """A handler that ends every job at once, or as it is told, and remembers what it was given."""

    seen: list[list[Job]] = field(default_factory=list)
    do: Handler | None = None
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, jobs: Sequence[Job], finish: Finish) -> None:
        """Take a batch."""
        async with self.came:
            self.seen.append(list(jobs))
            self.came.notify_all()
        if self.do is not None:
            await self.do(jobs, finish)
            return
        for job in jobs:
            finish(Ack(job, Done()))

    async def wait_for(self, count: int) -> list[Job]:
        """Wait until so many jobs were handed over, and give them."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.came:
            await self.came.wait_for(lambda: len(self.jobs) >= count)
        return self.jobs

    @property
    def jobs(self) -> list[Job]:
        """Every job that was handed over, as often as it was."""
        return [job for batch in self.seen for job in batch]


@dataclass
class Engine:
    """One worker's engine, running.

    Args:
        context: Its parts.
        pool: The worker's connections.
        admin: The project's owner, who looks at what came of it.
        log: What it said.
        stopping: Set when it is told to stop.
    """

    context: EngineContext
    pool: ConnectionPool
    admin: AsyncConnection
    log: LogCapture
    stack: AsyncExitStack
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, loop: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a loop until the end of the test, or until it ends by itself."""
        task = asyncio.create_task(loop)

        async def end() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        self.stack.push_async_callback(end)
        return task

    def start_lane(
        self,
        handler: Handler,
        *,
        limit: int = 100,
        kinds: frozenset[str] | None = None,
        sends: bool = True,
    ) -> tuple[Lane, asyncio.Task[None]]:
        """Drain the queue `push`."""
        spec = LaneSpec("push", kinds or frozenset({"message"}), handler, limit, sends=sends)
        lane = Lane(spec, self.context)
        self.stack.push_async_callback(lane.finish, 0, asyncio.Event())
        return lane, self.start(lane.run(self.stopping))

    async def until(self, query: str, expected: object) -> None:
        """Wait until a query of one value gives this one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await fetch_value(self.admin, query) != expected:
                await asyncio.sleep(0.01)

    async def until_said(self, name: str) -> None:
        """Wait until an event was logged: the database knows of things before the worker does."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.events(name):
                await asyncio.sleep(0.01)

    async def until_it_listens(self) -> None:
        """Wait until a call reaches the worker."""
        listening = "select count(*) from pg_stat_activity where state = 'idle' and query = 'listen gtr_jobs_wake' and datname = current_database()"
        await self.until(listening, 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.context.wake_up.is_listening:
                await asyncio.sleep(0.01)

    async def until_asleep(self) -> None:
        """Wait until the lane has said that it sleeps."""
        await self.until("select count(*) from gtr_jobs.sleeping_workers", 1)

    async def end_connections(self) -> None:
        """End every connection that the worker has."""
        await self.admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'gtr_worker' and datname = current_database()"
        )

    def events(self, name: str) -> list[dict[str, Any]]:
        """Give what was said of an event, without the event's name and level."""
        return [
            {key: value for key, value in entry.items() if key not in {"event", "log_level"}}
            for entry in self.log.entries
            if entry["event"] == name
        ]

    def metric(self, name: str, **labels: str) -> float:
        """Read a metric."""
        return self.context.metrics.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def run_engine(database: ProjectDatabase, admin: AsyncConnection) -> AsyncIterator[Engine]:
    """Run a worker's engine without lanes: acker and wake-up; its heart does not beat by itself."""
    log = LogCapture()
    logger: Any = structlog.wrap_logger(
        None, processors=[log], wrapper_class=structlog.make_filtering_bound_logger("debug")
    )
    address = Database(database.worker_dsn, "GTR_DATABASE_URL")
    async with AsyncExitStack() as stack:
        metrics = Metrics("test")
        lineage = Lineage(logger, metrics)
        pool = ConnectionPool(address, 4, on_connect=lineage.check)
        await stack.enter_async_context(pool)
        context = make_context(pool, lineage, WakeUp(address, metrics), logger, metrics)
        await context.membership.join()
        engine = Engine(context, pool, admin, log, stack)
        engine.start(context.acker.run())
        engine.start(context.wake_up.run())
        yield engine


Reply = Callable[..., Awaitable[Any]]


def lose_reply_once(call: Reply, error: Exception, after: asyncio.Event | None = None) -> Reply:
    """Make a call that is done, and whose caller once, after an event, learns of an error instead."""
    lost: list[Any] = []

    async def lossy(*arguments: Any) -> Any:
        result = await call(*arguments)
        if result and not lost and (after is None or after.is_set()):
            lost.append(result)
            raise error
        return result

    return lossy
