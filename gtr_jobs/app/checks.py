"""What is looked at before a worker begins: whether the database is its own, and whether keys can be used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from gtr_jobs.app.credentials import prefix_of
from gtr_jobs.db.compatibility import check_identity, check_worker
from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.installed import Installed, read_installed_as_worker
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.db.sources import try_source
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.settings import Settings

# How environments call themselves whose phones are those of the public.
_PRODUCTION = ("production", "prod", "live")
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


class Checked(Protocol):
    """Whoever has credentials."""

    async def check(self) -> None:
        """See `Provider.check`."""


async def check_providers(providers: Iterable[Checked], log: Logger) -> None:
    """Refuse keys that cannot be used; who cannot be asked now is asked again when it sends."""
    for provider in providers:
        try:
            await provider.check()
        except TryAgainError as error:
            log.warning(events.WORKER_WARNED, warning=str(error))


def warn_of_apns_host(settings: Settings, log: Logger) -> None:
    """Say where an environment sends to the host of Apple's that most likely is not its own; a stand-in is neither."""
    if settings.apns_url is not None or settings.environment is None:
        return
    is_production = settings.environment.lower() in _PRODUCTION
    for app, its in settings.credentials().items():
        host = its.apns_environment or settings.apns_environment
        if its.apns_topic is None or (host == "production") == is_production:
            continue
        setting = prefix_of(app if its.apns_environment is not None else DEFAULT_APP)
        log.warning(
            events.WORKER_WARNED,
            warning=f"GTR_ENVIRONMENT is {settings.environment!r}, and {setting}APNS_ENVIRONMENT "
            f"is {host}: is that meant so? Builds from Xcode have sandbox tokens, those of "
            "TestFlight and the App Store production ones",
        )
