"""What a test's database has of gtr_jobs."""

from __future__ import annotations

from gtr_jobs.app.database import installation_plan
from gtr_jobs.db.connect import Database, connect
from gtr_jobs.db.migrate import Identity, migrate
from gtr_jobs.db.password import set_worker_password

PROJECT = "gtr"
ENVIRONMENT = "test"


def install_gtr_jobs(dsn: str, worker_password: str) -> None:
    """Install gtr_jobs in a database, as its role postgres would, and give gtr_worker its password.

    It is called once a template; every test's database is a copy.
    """
    with connect(Database(dsn, "GTR_ADMIN_DATABASE_URL")) as connection:
        migrate(connection, installation_plan(), Identity(PROJECT, ENVIRONMENT), lambda _: None)
        set_worker_password(connection, worker_password)
