"""pyfcm, pointed at the stand-ins and kept in a thread of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pyfcm

from gtr_jobs.dev.standins import ProviderStandIns


class LocalFcm(pyfcm.FCMNotification):  # type: ignore[misc]  # pyfcm has no types
    """pyfcm, pointed at the stand-in."""

    def __init__(self, url: str, **options: Any) -> None:
        self.FCM_END_POINT_BASE = f"{url}/v1/projects"
        super().__init__(**options)


class PyfcmSender:
    """Runs pyfcm in one thread, as it blocks and keeps a session a thread."""

    def __init__(self, fcm: LocalFcm, thread: ThreadPoolExecutor) -> None:
        self._fcm = fcm
        self._thread = thread

    async def notify(self, **message: Any) -> Any:
        """Send one message."""
        return await self._run(lambda: self._fcm.notify(**message))

    async def notify_many(self, messages: list[dict[str, Any]]) -> Any:
        """Send several, each described by what `notify` takes."""
        return await self._run(lambda: self._fcm.async_notify_multiple_devices(messages))

    async def close(self) -> None:
        """Let go of its connections."""
        await self._run(self._close_session)

    async def _run(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _close_session(self) -> None:
        session = getattr(self._fcm.thread_local, "requests_session", None)
        if session is not None:
            session.close()


class OpenPyfcm(Protocol):
    """Makes senders."""

    def __call__(
        self, account: Mapping[str, Any] | None = None, *, credentials: object = None
    ) -> PyfcmSender:
        """Make one.

        Args:
            account: A service account file; a good one by default.
            credentials: Used instead of any file.
        """


@asynccontextmanager
async def open_senders(
    providers: ProviderStandIns, good: Mapping[str, Any], folder: Path
) -> AsyncIterator[OpenPyfcm]:
    """Give what makes senders; they are closed in the end.

    Args:
        providers: Where they send to.
        good: A service account that is known there.
        folder: Where account files go.
    """
    opened: list[PyfcmSender] = []
    with ThreadPoolExecutor(max_workers=1) as thread:

        def make(
            account: Mapping[str, Any] | None = None, *, credentials: object = None
        ) -> PyfcmSender:
            file = folder / "account.json"
            file.write_text(json.dumps(account or good), encoding="utf-8")
            fcm = LocalFcm(
                providers.fcm.url, service_account_file=str(file), credentials=credentials
            )
            opened.append(PyfcmSender(fcm, thread))
            return opened[-1]

        yield make
        for sender in opened:
            await sender.close()
