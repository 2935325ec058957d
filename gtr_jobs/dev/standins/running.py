"""The stand-ins as a program of their own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

from gtr_jobs.dev.standins.control import Control
from gtr_jobs.dev.standins.provider_standins import ProviderStandIns, StandInName
from gtr_jobs.domain.errors import UsageError


async def run_standins(
    folder: Path, *, strict: bool, port: int, say: Callable[[str], object]
) -> None:
    """Run the stand-ins until SIGINT or SIGTERM.

    Args:
        folder: Where the keys that they accept are written.
        strict: Refuse tokens that were not registered.
        port: Where orders are taken; the stand-ins listen on the seven ports behind it. 0 takes free ones.
        say: Told a worker's settings, a line each, and where orders are taken.

    Raises:
        UsageError: The folder cannot be written to, or a port is taken.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    names: tuple[StandInName, ...] = get_args(StandInName)
    ports = {name: port + place for place, name in enumerate(names, 1)} if port else None
    async with AsyncExitStack() as running:
        try:
            providers = await running.enter_async_context(
                ProviderStandIns(strict=strict, ports=ports)
            )
            control = Control(providers)
            await control.start(port)
            running.push_async_callback(control.stop)
        except OSError as error:
            raise UsageError(
                f"--port {port}: {error.strerror}", "take another, with seven free ones behind it"
            ) from None
        for name, value in _write_keys(providers, folder).items():
            say(f"{name}={value}")
        say(f"# orders: {control.url}")
        await stopped.wait()


def _write_keys(providers: ProviderStandIns, folder: Path) -> dict[str, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        settings = providers.write_credentials(folder) | providers.message_settings()
        authority = folder / "ca.pem"
        authority.write_bytes(providers.ca_file.read_bytes())
        return {**settings, "GTR_CA_FILE": str(authority)}
    except OSError as error:
        raise UsageError(
            f"--folder {folder}: {error.strerror}", "name a folder that you can write to"
        ) from None
