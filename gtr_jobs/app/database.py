"""Puts together what `gtr-jobs db` does."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from gtr_jobs import __version__
from gtr_jobs.db.connect import Database, administer
from gtr_jobs.db.export import export_sql
from gtr_jobs.db.migrate import Identity, Migrated, Report, migrate
from gtr_jobs.db.password import set_worker_password as set_password
from gtr_jobs.db.password import worker_url
from gtr_jobs.db.plan import Plan, make_plan
from gtr_jobs.db.sqlfiles import read_folder
from gtr_jobs.db.status import DatabaseStatus, read_status
from gtr_jobs.domain.errors import ConfigurationError, UsageError
from gtr_jobs.domain.version import Version
from gtr_jobs.engine.schema import engine_steps
from gtr_jobs.settings import Settings


def installation_plan() -> Plan:
    """Say what this version of the package installs."""
    return make_plan(Version.parse(__version__), engine_steps())


def migrate_database(settings: Settings, identity: Identity, report: Report) -> Migrated:
    """Install or upgrade the database of GTR_ADMIN_DATABASE_URL; see `db.migrate.migrate`."""
    wanted = Identity(
        identity.project or settings.project,
        identity.environment or settings.environment,
        identity.may_change,
    )
    database = admin_database(settings)
    known = database.parameters()
    if known.get("port") == "6543" and ".supabase." in known.get("host", ""):
        raise ConfigurationError(
            "GTR_ADMIN_DATABASE_URL is the transaction pooler's (port 6543), where no session lasts",
            "take the direct connection or the session pooler, port 5432",
        )
    with administer(database) as connection:
        return migrate(connection, installation_plan(), wanted, report)


def read_database_status(settings: Settings) -> DatabaseStatus:
    """Compare the database of GTR_ADMIN_DATABASE_URL with this version."""
    database = admin_database(settings)
    with administer(database) as connection:
        return read_status(connection, database, installation_plan())


def export_database_sql(folder: Path, now: datetime) -> tuple[Path, ...]:
    """Write the installation as files for `supabase db push`; see `db.export.export_sql`."""
    return export_sql(installation_plan(), folder, now)


def read_optional_sql(name: str) -> str:
    """Give the text of an optional file.

    Raises:
        UsageError: There is none of that name; lists those there are.
    """
    files = {file.stem.removeprefix("optional/"): file.sql for file in read_folder("optional")}
    if name not in files:
        raise UsageError(f"no optional file {name!r}", f"there is {', '.join(sorted(files))}")
    return files[name]


def set_worker_password(settings: Settings, chosen: str | None) -> str:
    """Let the worker's role log in; give its connection string.

    Args:
        settings: GTR_ADMIN_DATABASE_URL says where.
        chosen: The password; None has one made.
    """
    database = admin_database(settings)
    password = chosen or secrets.token_urlsafe(24)
    with administer(database) as connection:
        set_password(connection, password)
    return worker_url(database, password)


def admin_database(settings: Settings) -> Database:
    """Say where the project's role postgres connects.

    Raises:
        ConfigurationError: GTR_ADMIN_DATABASE_URL is not set.
    """
    if settings.admin_database_url is None:
        raise ConfigurationError(
            "GTR_ADMIN_DATABASE_URL is not set",
            "give it the connection string of the project's role postgres "
            "(Connect page: direct connection or session pooler)",
        )
    return Database(settings.admin_database_url.get_secret_value(), "GTR_ADMIN_DATABASE_URL")
