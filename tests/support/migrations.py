"""Migrations run in the test's own process, for plans that no released package has."""

from __future__ import annotations

from support.databases import ProjectDatabase

from gtr_jobs.db.connect import Database, administer
from gtr_jobs.db.installed import Installed, read_installed
from gtr_jobs.db.migrate import Identity, Migrated, migrate
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.status import DatabaseStatus, read_status

SETTING = "GTR_ADMIN_DATABASE_URL"


def migrate_with(database: ProjectDatabase, plan: Plan) -> Migrated:
    """Bring a database to a plan, as postgres."""
    with administer(Database(database.dsn, SETTING)) as connection:
        return migrate(connection, plan, Identity(), lambda _: None)


def read_status_with(database: ProjectDatabase, plan: Plan) -> DatabaseStatus:
    """Compare a database with a plan."""
    address = Database(database.dsn, SETTING)
    with administer(address) as connection:
        return read_status(connection, address, plan)


def unfinished(status: DatabaseStatus) -> dict[str, str]:
    """Give what a status says is not as it should be."""
    return {line.what: line.state for line in status.lines if not line.is_fine}


def read_books(database: ProjectDatabase) -> Installed:
    """Read what a database says is installed in it."""
    with database.connect() as connection:
        return read_installed(connection)
