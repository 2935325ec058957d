"""What the tests of the whole way ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.chats import Chat, open_chat
from support.databases import ProjectDatabase
from support.way import Way, open_way


@pytest.fixture
async def way(database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Way]:
    """A database in which gtr_jobs is installed, and stand-ins that know a worker's keys."""
    async with open_way(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    """Two people who write to each other, on a server of the test's own."""
    async with open_chat(tmp_path) as opened:
        yield opened
