"""What the tests of the whole way ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT
from support.way import Way

from gtr_jobs.dev.standins import ProviderStandIns


@pytest.fixture
async def way(database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Way]:
    """A database in which gtr_jobs is installed, and stand-ins that know a worker's keys."""
    async with (
        ProviderStandIns() as providers,
        await database.connect_async() as connection,
    ):
        settings = {
            **providers.write_credentials(tmp_path),
            "GTR_DATABASE_URL": database.worker_dsn,
            "GTR_PROJECT": PROJECT,
            "GTR_ENVIRONMENT": ENVIRONMENT,
            "GTR_HTTP_PORT": "0",
            # Without what is done once an hour: that hour may begin in the middle of a test.
            "GTR_QUEUES": "push,match",
        }
        way = Way(database, connection, providers, settings)
        try:
            yield way
        finally:
            await way.close()
