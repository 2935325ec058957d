"""The daemon's connections, and the words for what breaks them."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import psycopg

from gtr_jobs.db.connect import Database, explain_connection_error
from gtr_jobs.db.connections import ConnectionPool
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

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0


async def open_pool(pool: ConnectionPool, database: Database) -> None:
    """Open a pool, with its first connection.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server gives no connection now.
    """
    try:
        await pool.open()
    except psycopg.errors.ReadOnlySqlTransaction:
        raise TryAgainError(
            f"{database.setting} ({database.describe()}): the database takes no writes",
            "it is a replica, or full; with several hosts, put target_session_attrs=read-write behind the ?",
        ) from None
    except psycopg.OperationalError as error:
        raise explain_connection_error(database, error) from None


class Outage:
    """One outage of the database: told once, waited for with growing, scattered waits."""

    def __init__(self, log: Logger, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics
        self._since: float | None = None
        self._answered_at = time.monotonic()
        # The loops that have failed and not succeeded since. What one of them is denied another may still
        # get: a full or read-only database answers who only reads.
        self._failing: set[asyncio.Task[Any] | None] = set()

    def seconds_since_answer(self) -> float:
        """Say how long ago the database last did what it was asked."""
        return time.monotonic() - self._answered_at

    async def wait_after(self, error: Exception, stopping: asyncio.Event) -> None:
        """Take note of a failure and wait before the next try, or until the daemon stops.

        The longer the outage has lasted, the longer the wait: at most five seconds, so that work goes
        on soon after the database is back.
        """
        sqlstate = getattr(error, "sqlstate", None) or "none"
        self._metrics.database_errors.labels(sqlstate[:2]).inc()
        self._failing.add(asyncio.current_task())
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning(events.DATABASE_AWAY, error=type(error).__name__, sqlstate=sqlstate)
        lasted = time.monotonic() - self._since
        longest = min(_LONGEST_WAIT_SECONDS, max(_FIRST_WAIT_SECONDS, lasted))
        # Many daemons wait for one server: each at another moment.
        seconds = longest * random.uniform(0.5, 1.0)  # noqa: S311  (scatter, not secrecy)
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            return

    def end(self) -> None:
        """Take note that the database did what the running task asked."""
        self._answered_at = time.monotonic()
        self._metrics.database_contact.set_to_current_time()
        if self._since is None:
            return
        self._failing.discard(asyncio.current_task())
        self._failing = {task for task in self._failing if task is not None and not task.done()}
        if not self._failing:
            self._log.info(
                events.DATABASE_BACK, seconds_away=round(time.monotonic() - self._since, 3)
            )
            self._since = None
