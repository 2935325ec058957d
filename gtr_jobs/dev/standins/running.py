"""The stand-ins as a program of their own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from gtr_jobs.dev.standins.control import Control
from gtr_jobs.dev.standins.provider_standins import ProviderStandIns
from gtr_jobs.domain.errors import UsageError


async def run_standins(folder: Path, *, strict: bool, say: Callable[[str], object]) -> None:
    """Run the stand-ins until SIGINT or SIGTERM.

    Args:
        folder: Where the keys that they accept are written.
        strict: Refuse tokens that were not registered.
        say: Told a worker's settings, a line each, and where orders are taken.

    Raises:
        UsageError: The folder cannot be written to.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ProviderStandIns(strict=strict) as providers, Control(providers) as control:
        for name, value in _write_keys(providers, folder).items():
            say(f"{name}={value}")
        say(f"# orders: {control.url}")
        await stopped.wait()


def _write_keys(providers: ProviderStandIns, folder: Path) -> dict[str, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return providers.write_credentials(folder)
    except OSError as error:
        raise UsageError(
            f"--folder {folder}: {error.strerror}", "name a folder that you can write to"
        ) from None
