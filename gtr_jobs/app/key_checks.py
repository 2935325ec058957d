"""What is looked at before a worker begins: whether keys can be used, and are meant for where they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gtr_jobs.app.credentials import prefix_of
from gtr_jobs.domain.errors import TryAgainError
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.settings import Settings

# How environments call themselves whose phones are those of the public.
_PRODUCTION = ("production", "prod", "live")


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
