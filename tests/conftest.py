"""What every test may ask for: a server for the run and a database for itself."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.databases import DatabaseMaker, ProjectDatabase
from support.servers import share_server

from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.supabase import DefaultGrants


def pytest_configure() -> None:
    """Let the workers under test hear SIGHUP, also where the tests themselves run by `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def run_name() -> str:
    """A name that all processes of this run have in common."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:8]


@pytest.fixture(scope="session")
def shared_folder(run_name: str) -> Path:
    """A folder that all processes of this run have in common."""
    return Path(tempfile.gettempdir()) / f"gtr-jobs-tests-{os.getuid()}-{run_name}"


@pytest.fixture(scope="session")
def postgres_server(shared_folder: Path, run_name: str) -> Iterator[Server]:
    """The PostgreSQL server of this run."""
    with share_server(shared_folder, run_name) as server:
        yield server


@pytest.fixture(scope="session")
def database_maker(postgres_server: Server, shared_folder: Path, run_name: str) -> DatabaseMaker:
    """What makes this process' databases."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    names = (f"{worker}_{number}" for number in itertools.count())
    return DatabaseMaker(postgres_server, shared_folder, run_name, names)


@pytest.fixture
def default_grants() -> DefaultGrants:
    """What new objects in public are granted by themselves; a test that needs both parametrizes it."""
    return "new"


@pytest.fixture
def database(
    database_maker: DatabaseMaker, default_grants: DefaultGrants
) -> Iterator[ProjectDatabase]:
    """A Supabase project's database with the app's tables, in which gtr_jobs is installed."""
    with database_maker.make("installed", default_grants) as made:
        yield made


@pytest.fixture
def bare_database(
    database_maker: DatabaseMaker, default_grants: DefaultGrants
) -> Iterator[ProjectDatabase]:
    """A Supabase project's database with the app's tables, and nothing of gtr_jobs."""
    with database_maker.make("bare", default_grants) as made:
        yield made


@pytest.fixture
def empty_supabase_database(
    database_maker: DatabaseMaker, default_grants: DefaultGrants
) -> Iterator[ProjectDatabase]:
    """A new Supabase project's database: no table of the app."""
    with database_maker.make("empty", default_grants) as made:
        yield made
