"""What is looked at before work begins: whether the database is its own, and fits it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gtr_jobs.db.compatibility import check_identity, check_worker
from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.installed import Installed, read_installed_as_worker
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.db.sources import try_source
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.settings import Settings

# Left out where the app has no list of notifications.
_MESSAGE_NOTES = "worker/write_message_notifications.sql"


async def check_database(
    database: Database, plan: Plan, kinds: Iterable[Kind[Any]], settings: Settings, log: Logger
) -> None:
    """Refuse a database that is not this worker's, or does not fit it; warn of what may be meant so.

    Raises:
        ConfigurationError: It is another project's, older than this version, or lacks something.
        TryAgainError: It is away.
    """
    try:
        installed, warnings = await _look(database, plan, kinds, settings)
    except PASSING_ERRORS as error:
        raise TryAgainError(
            f"{database.setting} ({database.describe()}): the database went away while the worker "
            "looked at what is installed",
            "start it again",
        ) from error
    if settings.message_notifications and _MESSAGE_NOTES not in installed.files:
        raise ConfigurationError(
            "GTR_MESSAGE_NOTIFICATIONS is on, and the app has no table public.notifications",
            "turn it off, or run `gtr-jobs db migrate` if the table has come since",
        )
    for warning in warnings:
        log.warning(events.WORKER_WARNED, warning=warning)


async def _look(
    database: Database, plan: Plan, kinds: Iterable[Kind[Any]], settings: Settings
) -> tuple[Installed, list[str]]:
    connection = await connect_async(database)
    try:
        installed = await read_installed_as_worker(connection)
        warnings = [
            *check_worker(plan, installed),
            *check_identity(installed, settings.project, settings.environment),
        ]
        tried = [
            await try_source(connection, source)
            for source in dict.fromkeys(one.source for one in kinds)
        ]
    finally:
        await connection.close()
    return installed, [*warnings, *(warning for warning in tried if warning is not None)]
