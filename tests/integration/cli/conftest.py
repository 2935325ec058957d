"""What the tests of the command line ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from psycopg import AsyncConnection
from support.connecting import MIGRATE, WORKER, Connecting
from support.databases import DatabaseMaker, ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT


@pytest.fixture(params=[MIGRATE, WORKER], ids=["migrate", "worker"])
def command(request: pytest.FixtureRequest) -> Connecting:
    """The administrator's command, and the daemon."""
    connecting: Connecting = request.param
    return connecting


@pytest.fixture(scope="module")
def installed(database_maker: DatabaseMaker) -> Iterator[ProjectDatabase]:
    """A database with gtr_jobs, for tests that change nothing in it."""
    with database_maker.make("installed", "new") as made:
        yield made


@pytest.fixture
def worker_settings(installed: ProjectDatabase) -> dict[str, str]:
    """The settings with which a worker starts on that database."""
    return {
        "GTR_DATABASE_URL": installed.worker_dsn,
        "GTR_PROJECT": PROJECT,
        "GTR_ENVIRONMENT": ENVIRONMENT,
        "GTR_HTTP_PORT": "0",
        "GTR_LOG_FORMAT": "json",
    }


@pytest.fixture
async def admin(database: ProjectDatabase) -> AsyncIterator[AsyncConnection]:
    """A connection of postgres, who owns the app's tables and ours."""
    async with await database.connect_async() as connection:
        yield connection


@pytest.fixture
async def worker(database: ProjectDatabase) -> AsyncIterator[AsyncConnection]:
    """A connection of gtr_worker, as whom the daemon runs."""
    async with await database.connect_async("gtr_worker") as connection:
        yield connection
