"""A worker's engine on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.engine import Batches, Engine, run_engine


@pytest.fixture
async def admin(database: ProjectDatabase) -> AsyncIterator[AsyncConnection]:
    """A connection of postgres, who owns the app's tables and ours."""
    async with await database.connect_async() as connection:
        yield connection


@pytest.fixture
async def engine(database: ProjectDatabase, admin: AsyncConnection) -> AsyncIterator[Engine]:
    """A worker's engine, registered and running, without lanes."""
    async with run_engine(database, admin) as running:
        yield running


@pytest.fixture
def batches() -> Batches:
    """A handler that ends every job at once, until it is told otherwise."""
    return Batches()
