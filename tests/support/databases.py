"""A database of its own for every test, copied from a template that is built once a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from support.installed import install_gtr_jobs
from support.servers import database_prefix, only_one

from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.supabase import (
    DefaultGrants,
    copy_database,
    create_supabase_database,
    drop_database,
)

# empty: what Supabase gives. bare: with the app's tables too. installed: with gtr_jobs as well.
Template = Literal["empty", "bare", "installed"]


@dataclass(frozen=True, slots=True)
class ProjectDatabase:
    """A database such as a Supabase project has, and how its roles log in.

    Args:
        server: Where it is.
        name: What it is called.
    """

    server: Server
    name: str

    @property
    def dsn(self) -> str:
        """Its address for postgres, as whom migrations run."""
        return self.server.dsn(self.name)

    @property
    def worker_dsn(self) -> str:
        """Its address for gtr_worker, as whom the daemon runs."""
        return self.server.dsn(self.name, "gtr_worker")

    @property
    def api_dsn(self) -> str:
        """Its address for authenticator, as whom PostgREST logs in before it sets a role."""
        return self.server.dsn(self.name, "authenticator")

    @property
    def superuser_dsn(self) -> str:
        """Its address for the superuser, as whom nothing of the project runs."""
        return self.server.superuser_dsn(self.name)

    def connect(self, role: str = "postgres") -> psycopg.Connection:
        """Connect as a role, with every statement a transaction of its own."""
        return psycopg.connect(self.server.dsn(self.name, role), autocommit=True)

    async def connect_async(self, role: str = "postgres") -> psycopg.AsyncConnection:
        """Connect as a role, with every statement a transaction of its own."""
        return await psycopg.AsyncConnection.connect(
            self.server.dsn(self.name, role), autocommit=True
        )


@dataclass(frozen=True, slots=True)
class DatabaseMaker:
    """Makes the databases of one test process.

    Args:
        server: The run's server.
        shared: The folder that the run's processes have in common.
        run: The run's name.
        names: Gives a name that is new in the run, every time.
    """

    server: Server
    shared: Path
    run: str
    names: Iterator[str]

    @contextmanager
    def make(self, template: Template, default_grants: DefaultGrants) -> Iterator[ProjectDatabase]:
        """Make a copy of a template; it is dropped in the end, whoever is still connected."""
        source = self._build_once(template, default_grants)
        database = ProjectDatabase(self.server, database_prefix(self.run) + next(self.names))
        copy_database(self.server, source, database.name)
        try:
            yield database
        finally:
            drop_database(self.server, database.name)

    def _build_once(self, template: Template, default_grants: DefaultGrants) -> str:
        name = f"{database_prefix(self.run)}{template}_{default_grants}"
        built = self.shared / name
        if built.exists():
            return name
        with only_one(self.shared):
            if not built.exists():
                self._build(name, template, default_grants)
                built.touch()
        return name

    def _build(self, name: str, template: Template, default_grants: DefaultGrants) -> None:
        drop_database(self.server, name)
        dsn = create_supabase_database(
            self.server, name, default_grants=default_grants, with_app_tables=template != "empty"
        )
        if template == "installed":
            install_gtr_jobs(dsn, self.server.password)
