"""What the tests of the database commands ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.servers import DEFAULT_VERSION

from gtr_jobs.dev.postgres import Server, start_server
from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's own, without a role or a database: what belongs to a whole server may change."""
    version = int(os.environ.get("GTR_TEST_POSTGRES", DEFAULT_VERSION))
    folder = tmp_path_factory.mktemp("own")
    try:
        server = start_server(version, folder / "server")
    except PostgresNotFoundError as error:
        pytest.skip(str(error))
    with server:
        yield server.address
