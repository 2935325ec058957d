"""Puts together what `gtr-jobs db` does."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from gtr_jobs import __version__
from gtr_jobs.app.addresses import admin_database
from gtr_jobs.db.connect import administer
from gtr_jobs.db.export import export_sql
from gtr_jobs.db.migrate import Identity, Migrated, Report, migrate
from gtr_jobs.db.password import set_worker_password as set_password
from gtr_jobs.db.password import worker_url
from gtr_jobs.db.plan import AppPart, Plan, make_plan
from gtr_jobs.db.sqlfiles import read_folder
from gtr_jobs.db.status import DatabaseStatus, read_status
from gtr_jobs.domain.errors import ConfigurationError, UsageError
from gtr_jobs.domain.version import Version
from gtr_jobs.engine.schema import engine_steps
from gtr_jobs.settings import Settings


def installation_plan(app: AppPart | None = None) -> Plan:
    """Say what this version of the package installs, with an app's own SQL or without."""
    return make_plan(Version.parse(__version__), engine_steps(), app)


def plan_of(settings: Settings) -> Plan:
    """Say what is installed with the app that GTR_APP names.

    Raises:
        ConfigurationError: The app, or a file of it, is not as it should be.
    """
    if settings.app is None:
        return installation_plan()
    # Most of what there is to load, and only an app needs it here.
    from gtr_jobs.app.extension import load_app, read_app  # noqa: PLC0415

    app = load_app(settings)
    return installation_plan(read_app(app) if app is not None else None)


def migrate_database(settings: Settings, identity: Identity, report: Report) -> Migrated:
    """Install or upgrade the database of GTR_ADMIN_DATABASE_URL; see `db.migrate.migrate`."""
    wanted = Identity(
        identity.project or settings.project,
        identity.environment or settings.environment,
        identity.may_change,
    )
    database = admin_database(settings)
    plan = plan_of(settings)
    if database.has_transaction_port() and ".supabase." in database.parameters().get("host", ""):
        raise ConfigurationError(
            "GTR_ADMIN_DATABASE_URL is the transaction pooler's (port 6543), where no session lasts",
            "take the direct connection or the session pooler, port 5432",
        )
    with administer(database) as connection:
        return migrate(connection, plan, wanted, report)


def read_database_status(settings: Settings) -> DatabaseStatus:
    """Compare the database of GTR_ADMIN_DATABASE_URL with this version."""
    database = admin_database(settings)
    plan = plan_of(settings)
    with administer(database) as connection:
        return read_status(connection, database, plan)


def export_database_sql(settings: Settings, folder: Path, now: datetime) -> tuple[Path, ...]:
    """Write the installation as files for `supabase db push`; see `db.export.export_sql`."""
    return export_sql(plan_of(settings), folder, now)


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
