"""What the tests of the operators' commands ask for: a database to look into, and a worker's connection."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase


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
