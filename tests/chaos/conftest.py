"""What the chaos tests ask for: a server of their own that keeps what was committed, and scenes on it."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from chaos.scene import Scene, open_scene
from support.databases import DatabaseMaker, ProjectDatabase
from support.proxy import Proxy
from support.servers import DEFAULT_VERSION

from gtr_jobs.dev.postgres import EmbeddedServer, start_server


@pytest.fixture(scope="session")
def durable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of this process alone, which the tests may crash."""
    version = int(os.environ.get("GTR_TEST_POSTGRES", DEFAULT_VERSION))
    with start_server(version, tmp_path_factory.mktemp("server"), durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def durable_maker(
    durable_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> DatabaseMaker:
    """What makes databases on it."""
    names = (str(number) for number in itertools.count())
    return DatabaseMaker(
        durable_server.address, tmp_path_factory.mktemp("templates"), "chaos", names
    )


@pytest.fixture
def durable_database(durable_maker: DatabaseMaker) -> Iterator[ProjectDatabase]:
    """A database of the test's own on that server, in which gtr_jobs is installed."""
    with durable_maker.make("installed", "new") as made:
        yield made


@pytest.fixture
async def scene(durable_database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene without workers."""
    async with open_scene(durable_database, tmp_path) as scene:
        yield scene


@pytest.fixture
async def duo(durable_database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene of two people, one of whom writes to the other's Android phone."""
    async with open_scene(durable_database, tmp_path, size=1, phones=[("fcm",)]) as scene:
        yield scene


@pytest.fixture
async def proxy(durable_server: EmbeddedServer) -> AsyncIterator[Proxy]:
    """A network between workers and server that can fail."""
    async with Proxy(durable_server.address.host, durable_server.address.port) as proxy:
        yield proxy


@pytest.fixture
async def distant(
    durable_database: ProjectDatabase, tmp_path: Path, proxy: Proxy
) -> AsyncIterator[Scene]:
    """A scene whose workers, and nobody else, reach the database through the proxy."""
    dsn = durable_database.worker_dsn.replace(
        f":{durable_database.server.port}/", f":{proxy.port}/"
    )
    async with open_scene(durable_database, tmp_path, GTR_DATABASE_URL=dsn) as scene:
        yield scene
