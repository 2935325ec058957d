"""Somebody else's app: what `gtr-jobs init` writes works with the installed package, and forks nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.command_line import Ended, make_environment
from support.databases import ProjectDatabase
from support.people import create_device

from gtr_jobs.db.connect import Database, connect
from gtr_jobs.db.password import set_worker_password
from gtr_jobs.dev.scaffold import find_own_source, write_repository
from gtr_jobs.dev.standins import ProviderStandIns, show
from gtr_jobs.dev.worker_process import WorkerProcess

# Both as a user's: the second is no name of a template.
APP = "carwash"
COMMAND = (sys.executable, "-P", "-c", "from gtr_jobs.cli.main import main; main()")
INSERT = "insert into public.bookings (customer_id, workshop, starts_at) values (%s, 'Omori', %s) returning id"


@dataclass
class Repository:
    """A repository that was just written, and a database to install it in.

    Args:
        folder: Where it is.
        database: With the app's own tables.
        connection: As the project's role postgres.
        settings: Of every command.
    """

    folder: Path
    database: ProjectDatabase
    connection: psycopg.AsyncConnection
    settings: dict[str, str]

    def run(self, *arguments: str) -> Ended:
        """Run `gtr-jobs` in the repository, as its user does."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=make_environment(self.settings),
            capture_output=True,
            text=True,
            timeout=18,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Read rows."""
        return await (await self.connection.execute(query.encode())).fetchall()


@pytest.fixture
async def repository(
    empty_supabase_database: ProjectDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Repository]:
    """What `init` writes, beside a database that has the app's tables and none of the first app's."""
    folder = tmp_path / APP
    write_repository(folder, APP)
    # The worker looks for the app where it is started.
    monkeypatch.chdir(folder)
    database = empty_supabase_database
    async with await database.connect_async() as connection:
        await connection.execute((folder / "tests" / "app_tables.sql").read_bytes())
        settings = {"GTR_APP": f"{APP}.jobs:app", "GTR_ADMIN_DATABASE_URL": database.dsn}
        yield Repository(folder, database, connection, settings)


@pytest.mark.timeout(60)
def test_what_init_writes_passes_its_own_tests(tmp_path: Path) -> None:
    """In a folder of its own, with nothing but the package installed: PostgreSQL, stand-ins, a worker."""
    folder = tmp_path / "car-wash"
    init = subprocess.run(
        [*COMMAND, "init", str(folder)], capture_output=True, text=True, check=False, timeout=18
    )
    assert init.returncode == 0, init.stderr
    assert init.stdout.endswith(
        f"    cd {folder} && make test GTR_JOBS={find_own_source()}   # from a row to a phone, on this machine\n"
        "    cp .env.example .env       # fill it in\n"
        "    .venv/bin/gtr-jobs db migrate\n"
    )

    suite = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert suite.returncode == 0, suite.stdout
    assert "2 passed" in suite.stdout


@pytest.mark.timeout(60)
async def test_an_app_of_its_own_goes_the_whole_way(repository: Repository, tmp_path: Path) -> None:
    """Migrated and run with GTR_APP: its row is pushed, its task is done, and the books know its files."""
    migrated = repository.run("db", "migrate", "--project", "gtr", "--environment", "test")
    assert migrated.code == 0, migrated.err
    assert [line for line in migrated.err.splitlines() if APP in line] == [
        f"applying {APP} 0001 create schema",
        f"installing {APP}/generated/job_kinds.sql",
        f"installing {APP}/worker/read_bookings.sql",
        f"installing {APP}/worker/write_slip.sql",
        f"installing {APP}/on/bookings_insert.sql",
    ]
    assert repository.run("db", "status").code == 0
    _let_the_worker_log_in(repository.database)
    customer = await _add_customer(repository)

    async with ProviderStandIns() as providers:
        token = providers.phones.add_new("fcm")
        await create_device(repository.connection, customer, token, "android")
        settings = {
            **providers.write_credentials(tmp_path),
            "GTR_APP": f"{APP}.jobs:app",
            "GTR_DATABASE_URL": repository.database.worker_dsn,
            "GTR_PROJECT": "gtr",
            "GTR_ENVIRONMENT": "test",
            "GTR_HTTP_PORT": "0",
        }
        async with WorkerProcess(settings) as worker:
            started = await worker.wait_for_event("worker.started")
            ((booking,),) = await (
                await repository.connection.execute(INSERT, [customer, datetime.now(UTC)])
            ).fetchall()
            (push,) = await providers.ledger.wait_for(1)
            while await repository.fetch("select from gtr_jobs.jobs limit 1"):
                await asyncio.sleep(0.01)

            assert started["queues"] == ["push", "match", "receipts", "maintenance", "slips"]
            assert (push.token, show(push).title) == (token, "Omori")
            assert await repository.fetch(f"select booking_id, number from {APP}.slips") == [
                (booking, 1)
            ]
            assert await repository.fetch(
                "select kind, queue, ended::text from gtr_jobs.job_history order by kind"
            ) == [("booking_confirmed", "push", "done"), ("write_slip", "slips", "done")]
            assert await worker.stop() == 0


def _let_the_worker_log_in(database: ProjectDatabase) -> None:
    """Give it the password that it has in every database of this server: the role is the server's."""
    password = str(psycopg.conninfo.conninfo_to_dict(database.worker_dsn)["password"])
    with connect(Database(database.dsn, "GTR_ADMIN_DATABASE_URL")) as connection:
        set_worker_password(connection, password)


async def _add_customer(repository: Repository) -> Any:
    ((customer,),) = await repository.fetch(
        "insert into auth.users (id, aud, role, email, email_confirmed_at, created_at, updated_at)"
        " values (gen_random_uuid(), 'authenticated', 'authenticated', 'a@example.test', now(), now(),"
        " now()) returning id"
    )
    return customer
