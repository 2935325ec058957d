"""The daemon's connections, and the words for what breaks them."""

from __future__ import annotations

import asyncio
import random
import time

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gtr_jobs.db.connect import CONNECT_TIMEOUT_SECONDS, Database
from gtr_jobs.domain.errors import TryAgainError
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

# What passes by itself: the server is away, restarting, full, read-only or in the middle of something.
PASSING_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)

_TRANSACTION_POOLER_PORT = "6543"
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0


def make_pool(database: Database, size: int) -> AsyncConnectionPool:
    """Make the pool of a daemon; it is opened by whoever runs it.

    Connections are in autocommit mode and are handed out unchecked: a statement is one round trip,
    and one that fails because its connection was gone is tried again by its caller.
    """
    is_transaction_pooler = database.parameters().get("port") == _TRANSACTION_POOLER_PORT
    return AsyncConnectionPool(
        database.dsn,
        min_size=1,
        max_size=size,
        open=False,
        timeout=CONNECT_TIMEOUT_SECONDS,
        max_idle=300,
        name="gtr_jobs",
        kwargs={
            "autocommit": True,
            "application_name": "gtr_jobs",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # A pooler that changes connections between statements loses prepared ones.
            "prepare_threshold": None if is_transaction_pooler else 5,
        },
    )


async def open_pool(pool: AsyncConnectionPool, database: Database) -> None:
    """Open a pool, with its first connection.

    Raises:
        TryAgainError: The server gives no connection now.
    """
    try:
        await pool.open(wait=True, timeout=CONNECT_TIMEOUT_SECONDS)
    except PoolTimeout:
        raise TryAgainError(
            f"{database.setting} ({database.describe()}): no connection was to be had",
            "the server may have none left; try again",
        ) from None


class Outage:
    """One outage of the database: told once, waited for with growing, scattered waits."""

    def __init__(self, log: Logger, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics
        self._since: float | None = None
        self._failures = 0
        self._answered_at = time.monotonic()

    def seconds_since_answer(self) -> float:
        """Say how long ago the database last answered."""
        return time.monotonic() - self._answered_at

    @property
    def is_on(self) -> bool:
        """Whether the database is away."""
        return self._since is not None

    async def wait_after(self, error: Exception, stopping: asyncio.Event) -> None:
        """Take note of a failure and wait before the next try, or until the daemon stops."""
        sqlstate = getattr(error, "sqlstate", None) or "none"
        self._metrics.database_errors.labels(sqlstate[:2]).inc()
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning(events.DATABASE_AWAY, error=type(error).__name__, sqlstate=sqlstate)
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        # Many daemons wait for one server: each at another moment.
        seconds = longest * random.uniform(0.5, 1.0)  # noqa: S311  (scatter, not secrecy)
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            return

    def end(self) -> None:
        """Take note that the database answered."""
        self._answered_at = time.monotonic()
        self._metrics.database_contact.set_to_current_time()
        if self._since is not None:
            self._log.info(
                events.DATABASE_BACK, seconds_away=round(time.monotonic() - self._since, 3)
            )
            self._since = None
            self._failures = 0
