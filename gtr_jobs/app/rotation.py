"""Takes new credentials while the worker works: when it is told to (SIGHUP), and when a file of theirs changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gtr_jobs.app.credentials import Credential, Read, read_credentials
from gtr_jobs.app.providers import Providers
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.rotating import RotatingProvider
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.envelope import Served

LOOK_SECONDS = 2.0
_NOBODY = ("none", "none")


class Rotation:
    """Looks after the credentials of a running worker.

    What is new is checked first, and what cannot be used changes nothing: the worker goes on with
    what it has, says so, and looks again. What is no longer named is kept until a restart.

    Args:
        settings: As the worker was started with them.
        providers: What sends.
        reread: Reads the settings anew.
        details: What operators are told of, by subject.
    """

    def __init__(
        self,
        settings: Settings,
        providers: Providers,
        reread: Callable[[], Settings],
        details: dict[str, list[str]],
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._providers = providers
        self._reread = reread
        self._details = details
        self._log = log
        self._metrics = metrics
        self._asked = asyncio.Event()
        # What was there at the last look: a file that is just being written is left alone until it stays.
        self._seen: dict[Served, bytes | str] = {}
        # What was refused is not tried again as long as it stays the same.
        self._refused: dict[Served, bytes] = {}
        self._complaints: dict[tuple[str, str], str] = {}

    def ask(self) -> None:
        """Read settings and credentials anew at once."""
        self._asked.set()

    async def run(self) -> None:
        """Look after the credentials until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                pass
            is_asked = self._asked.is_set()
            self._asked.clear()
            await self.look(is_asked=is_asked)

    async def look(self, *, is_asked: bool) -> None:
        """Look once.

        Args:
            is_asked: The settings are read anew too, and what was refused is tried again.
        """
        if is_asked and not self._read_settings():
            return
        read = await asyncio.to_thread(
            read_credentials, self._settings, self._providers.maker.signing
        )
        changed = 0
        for served, found in read.items():
            if is_asked or self._has_settled(served, found):
                changed += await self._take(served, found, is_asked=is_asked)
        if is_asked:
            self._log.info(events.CREDENTIALS_READ, changed=changed)

    def _read_settings(self) -> bool:
        try:
            self._settings = self._reread()
        except ConfigurationError as error:
            self._complain(_NOBODY, error)
            return False
        self._make_up(_NOBODY)
        return True

    def _has_settled(self, served: Served, found: Read) -> bool:
        seen = found.digest if isinstance(found, Credential) else str(found)
        before, self._seen[served] = self._seen.get(served), seen
        return before == seen

    async def _take(self, served: Served, found: Read, *, is_asked: bool) -> bool:
        """Use credentials that are not in use yet; whether there were such and they could be used."""
        if isinstance(found, ConfigurationError):
            self._complain(served, found)
            return False
        if found.digest == self._providers.digests.get(served):
            self._make_up(served)
            return False
        if found.digest == self._refused.get(served) and not is_asked:
            return False
        try:
            await self._use(served, found)
        except ConfigurationError as error:
            self._refused[served] = found.digest
            self._complain(served, error)
            return False
        except TryAgainError as error:
            # Whoever would have to say that it is good is away: asked again with the next look.
            self._complain(served, error)
            return False
        self._make_up(served)
        app, provider = served
        self._metrics.credential_changes.labels(app, provider, "taken").inc()
        self._log.info(events.CREDENTIALS_CHANGED, app=app, provider=provider)
        return True

    async def _use(self, served: Served, credential: Credential) -> None:
        provider = self._providers.maker.make(served[0], credential)
        try:
            await provider.check()
        except BaseException:
            await provider.close()
            raise
        rotating = self._providers.by_device.get(served)
        if rotating is None:
            self._providers.by_device[served] = RotatingProvider(provider)
        else:
            rotating.replace(provider)
        self._providers.digests[served] = credential.digest
        self._refused.pop(served, None)

    def _complain(self, about: tuple[str, str], error: ConfigurationError | TryAgainError) -> None:
        """Say once what is wrong; it is shown for as long as it is so."""
        if self._complaints.get(about) == str(error):
            return
        self._complaints[about] = str(error)
        app, provider = about
        self._metrics.credential_changes.labels(app, provider, "refused").inc()
        self._log.error(events.CREDENTIALS_REFUSED, app=app, provider=provider, error=str(error))
        self._tell()

    def _make_up(self, about: tuple[str, str]) -> None:
        if self._complaints.pop(about, None) is not None:
            self._tell()

    def _tell(self) -> None:
        if self._complaints:
            self._details["credentials"] = sorted(
                f"the new credentials are not used: {complaint}"
                for complaint in self._complaints.values()
            )
        else:
            self._details.pop("credentials", None)
