"""Serves the pages outside: bounded in connections and in the time that each may take.

uvicorn waits for ever for the head of a request. Somebody who opens connections and says nothing would
keep everybody else out; here each connection has a few seconds to say what it wants.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from gtr_jobs.http.server import SignallessServer

MOST_CONNECTIONS = 256
HEAD_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 5
_MAX_HEAD_BYTES = 16_384


class BoundedProtocol(H11Protocol):
    """One connection."""

    head_seconds = HEAD_SECONDS
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, where there is still room."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is whole has come in time."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request, and not for ever."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def make_server(
    site: ASGIApp, grace_seconds: float, protocol: type[BoundedProtocol] = BoundedProtocol
) -> SignallessServer:
    """Make a server that does not serve yet.

    Args:
        site: What it serves.
        grace_seconds: How long requests may take to their end, once it is told to stop.
        protocol: What speaks on a connection.
    """
    return SignallessServer(
        uvicorn.Config(
            site,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, int(grace_seconds)),
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        )
    )


async def serve(server: SignallessServer, listener: socket.socket) -> None:
    """Serve until cancelled, and answer then who has asked already."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
