"""What every test may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gtr_jobs.dev.testing import Bench, open_bench

TABLES = Path(__file__).parent / "app_tables.sql"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """PostgreSQL with the app's tables and this repository's SQL, and stand-ins for FCM, APNs and Expo."""
    async with open_bench(tmp_path, app="garage.jobs:app", tables=[TABLES]) as bench:
        yield bench
