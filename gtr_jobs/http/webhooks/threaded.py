"""Serves the pages outside from within a worker, on a thread with a loop of its own.

Whatever is asked there, the worker's own loop goes on: it takes turns with one other thread, and never
waits behind a queue of requests.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import uvloop
from starlette.types import ASGIApp

from gtr_jobs.http.server import name_address, take_address
from gtr_jobs.http.webhooks.server import make_server, serve
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger

SETTINGS = "GTR_WEBHOOK_HOST, GTR_WEBHOOK_PORT"
# Beside what requests may take to their end.
_JOIN_SECONDS = 5.0


class Site(Protocol):
    """Something that is served."""

    def bind(self) -> str:
        """Take an address; give it as a URL."""

    async def run(self) -> None:
        """Serve until cancelled."""


OpenSite = Callable[[], AbstractAsyncContextManager[ASGIApp]]


class ThreadedSite:
    """The pages outside, beside a worker.

    Args:
        open_site: Makes what is served, and the connections that it uses, on the thread's loop.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        grace_seconds: How long requests may take to their end.
    """

    def __init__(self, open_site: OpenSite, host: str, port: int, grace_seconds: float) -> None:
        self._open_site = open_site
        self._host = host
        self._port = port
        self._grace_seconds = grace_seconds
        self._socket: socket.socket | None = None

    def bind(self) -> str:
        """Take the address; give it as a URL.

        Raises:
            ConfigurationError: The address is taken or is not this machine's.
        """
        self._socket = take_address(self._host, self._port, SETTINGS)
        return name_address(self._socket)

    async def run(self) -> None:
        """Serve until cancelled, and answer then who has asked already."""
        if self._socket is None:
            self.bind()
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        thread = _SiteThread(self._serve, lambda: loop.call_soon_threadsafe(ended.set))
        thread.start()
        try:
            await ended.wait()
        finally:
            thread.stop()
            async with asyncio.timeout(self._grace_seconds + _JOIN_SECONDS):
                await ended.wait()
        if thread.failure is not None:
            raise thread.failure

    async def _serve(self) -> None:
        if self._socket is None:  # pragma: no cover  (bound before it is run)
            return
        async with self._open_site() as site:
            await serve(make_server(site, self._grace_seconds), self._socket)


class BothSites:
    """A worker's own pages and those outside, as one.

    Args:
        own: Health and metrics, or the line to a parent that has them.
        outside: The pages for providers.
        log: Is told where they are.
    """

    def __init__(self, own: Site, outside: ThreadedSite, log: Logger) -> None:
        self._own = own
        self._outside = outside
        self._log = log

    def bind(self) -> str:
        """Take both addresses; give that of the worker's own pages.

        Raises:
            ConfigurationError: One is taken or is not this machine's.
        """
        self._log.info(events.WEBHOOKS_SERVED, webhooks=self._outside.bind())
        return self._own.bind()

    async def run(self) -> None:
        """Serve both until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._own.run())
            group.create_task(self._outside.run())


class _SiteThread(threading.Thread):
    """Runs one coroutine on a loop of its own, until told to stop.

    Args:
        serve: Makes the coroutine.
        tell_end: Called when it has ended, from the thread.
    """

    def __init__(
        self, serve: Callable[[], Coroutine[None, None, None]], tell_end: Callable[[], object]
    ) -> None:
        super().__init__(name="webhooks", daemon=True)
        self._serve = serve
        self._tell_end = tell_end
        self._begun = threading.Event()
        self._stop: Callable[[], object] | None = None
        self.failure: Exception | None = None

    def stop(self) -> None:
        """Cancel what runs; whoever waits is told when it has ended."""
        self._begun.wait()
        # A loop that has ended by itself takes no more calls.
        with suppress(RuntimeError):
            if self._stop is not None:
                self._stop()

    def run(self) -> None:
        """Run it to its end."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001  (handed to the worker's loop, which reports it)
            self.failure = error
        finally:
            self._begun.set()
            self._tell_end()

    async def _main(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        self._begun.set()
        serving, stopping = asyncio.create_task(self._serve()), asyncio.create_task(stopped.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, stopping):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await serving
