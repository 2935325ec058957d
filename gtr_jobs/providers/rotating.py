"""A provider whose credentials change while it sends: what is under way ends with the old ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gtr_jobs.domain.outcome import Misconfigured, Outcome
from gtr_jobs.domain.push import DEFAULT_APP, Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.base import Provider
from gtr_jobs.providers.pressure import Pressure

# A provider's hints name the settings of the app named default.
_ITS_SETTINGS = re.compile(
    r"\bGTR_(?=FCM_CREDENTIALS|APNS_(?:KEY|TEAM|TOPIC|ENVIRONMENT)|EXPO_ACCESS)"
)


@dataclass(slots=True)
class _InUse:
    """A provider, and how many calls of it are under way."""

    provider: Provider
    calls: int = 0
    is_retired: bool = False


class RotatingProvider:
    """Sends by the newest provider that it was given.

    Args:
        first: What sends until another one is given.
    """

    def __init__(self, first: Provider) -> None:
        self._current = _InUse(first)
        self._retired: list[_InUse] = []
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """See `Provider.name`."""
        return self.current.name

    @property
    def app(self) -> str:
        """See `Provider.app`."""
        return self.current.app

    @property
    def token_kind(self) -> TokenKind:
        """See `Provider.token_kind`."""
        return self.current.token_kind

    @property
    def pressure(self) -> Pressure:
        """Of the credentials in use: what the ones before were refused for says nothing of them."""
        return self.current.pressure

    @property
    def current(self) -> Provider:
        """What sends now."""
        return self._current.provider

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Send pushes with the credentials of now; see `Provider.send`."""
        with self.in_use() as provider:
            outcomes = await provider.send(pushes)
        if self.app == DEFAULT_APP:
            return outcomes
        return [
            name_its_settings(outcome, self.app) if isinstance(outcome, Misconfigured) else outcome
            for outcome in outcomes
        ]

    @contextmanager
    def in_use(self) -> Iterator[Provider]:
        """Give what sends now, for what not every provider can; it is not closed meanwhile."""
        used = self._current
        used.calls += 1
        try:
            yield used.provider
        finally:
            used.calls -= 1
            self._close_if_unused(used)

    async def check(self) -> None:
        """See `Provider.check`."""
        await self.current.check()

    def replace(self, provider: Provider) -> None:
        """Send by another provider from now on; the one before is closed when what it has under way has ended."""
        retired, self._current = self._current, _InUse(provider)
        retired.is_retired = True
        self._retired.append(retired)
        self._close_if_unused(retired)

    async def close(self) -> None:
        """See `Provider.close`; those that were replaced and still send are closed too."""
        for used in (*self._retired, self._current):
            await used.provider.close()
        await asyncio.gather(*self._closing)

    def _close_if_unused(self, used: _InUse) -> None:
        if used.calls > 0 or not used.is_retired or used not in self._retired:
            return
        self._retired.remove(used)
        task = asyncio.get_running_loop().create_task(used.provider.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def name_its_settings(outcome: Misconfigured, app: str) -> Misconfigured:
    """Have a hint name the settings of an app, and not those of the one named default."""
    if app == DEFAULT_APP:
        return outcome
    return replace(outcome, detail=_ITS_SETTINGS.sub(f"GTR_APPS__{app.upper()}__", outcome.detail))
