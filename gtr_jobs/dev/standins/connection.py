"""What serving a client has in common over HTTP/1.1 and HTTP/2: the transport and its end."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, cast

from gtr_jobs.dev.standins.exchange import Request
from gtr_jobs.dev.standins.service import Service


class ServedConnection(asyncio.Protocol):
    """One client.

    Args:
        service: What the connections of the server share.

    Attributes:
        number: Counts the server's connections from 1.
        notes: What the handler remembers about this client.
        closed: Done once the connection is gone.
    """

    def __init__(self, service: Service) -> None:
        self._loop = asyncio.get_running_loop()
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._is_congested = False
        self.number = service.next_number()
        self.notes: dict[str, Any] = {}
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        # uvloop's transports are no subclass of asyncio.Transport, so nothing can be asserted.
        self._transport = cast("asyncio.Transport", transport)
        self._service.connections.add(self)

    def pause_writing(self) -> None:
        """Read no more requests from a client that does not read its answers."""
        self._is_congested = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._is_congested = False
        if self._transport is not None:
            self._transport.resume_reading()
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything that belonged to the connection."""
        del exc
        self._transport = None
        self._service.connections.discard(self)
        self._release()
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    @abstractmethod
    def close(self) -> None:
        """Say goodbye and end once everything written has left."""

    @abstractmethod
    def allow_streams(self, maximum: int) -> None:
        """Tell the client how many requests it may have open at once."""

    @abstractmethod
    def _release(self) -> None:
        """Cancel what would still answer."""

    def _go_on(self) -> None:
        """Take up requests that were read already when the client fell behind."""

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _request(
        self, method: str, path: str, fields: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> Request:
        headers: dict[str, str] = {}
        repeated: list[str] = []
        for name, value in fields:
            key = name.decode("latin-1")
            if key in headers:
                repeated.append(key)
            headers[key] = value.decode("latin-1")
        return Request(method, path, headers, body, self, frozenset(repeated))
