"""Where settings say that the database is, for whom."""

from __future__ import annotations

from gtr_jobs.db.connect import Database
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.settings import Settings


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


def worker_database(settings: Settings) -> Database:
    """Say where the worker's role connects.

    Raises:
        ConfigurationError: GTR_DATABASE_URL is not set.
    """
    if settings.database_url is None:
        raise ConfigurationError(
            "GTR_DATABASE_URL is not set",
            "`gtr-jobs db password` prints it (it needs GTR_ADMIN_DATABASE_URL)",
        )
    return Database(settings.database_url.get_secret_value(), "GTR_DATABASE_URL")
