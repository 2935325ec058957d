"""A small server for tests: HTTP/2 and HTTP/1.1 on one port of this machine, with or without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Self, cast

from gtr_jobs.dev.standins.exchange import Handler
from gtr_jobs.dev.standins.http1 import Http1Connection
from gtr_jobs.dev.standins.http2 import Http2Connection
from gtr_jobs.dev.standins.service import DEFAULT_BODY_LIMIT, DEFAULT_STREAMS, Service

HOST = "127.0.0.1"
BACKLOG = 1024
# Seconds that a client may take to shake hands, and to say goodbye.
HANDSHAKE = 5.0
GOODBYE = 0.5

_HTTP2_GREETING = b"PRI"


class StandInServer:
    """Listens on a port of this machine and hands every request to one handler.

    ALPN chooses between HTTP/2 and HTTP/1.1; without it, what the client says first does.

    Args:
        handler: Answers requests.
        tls: The server's certificate and its ALPN; None for plain HTTP.
        speaks_http1: Whether HTTP/1.1 is served at all.
        max_concurrent_streams: Requests that an HTTP/2 client may have open at once.
        body_limit: Largest request body in bytes.
    """

    def __init__(
        self,
        handler: Handler,
        tls: ssl.SSLContext | None = None,
        *,
        speaks_http1: bool = True,
        max_concurrent_streams: int = DEFAULT_STREAMS,
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self._service = Service(
            handler, max_concurrent_streams=max_concurrent_streams, body_limit=body_limit
        )
        self._tls = tls
        self._speaks_http1 = speaks_http1
        self._listener: asyncio.Server | None = None
        self.port = 0

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._service.connections)

    async def start(self, port: int = 0) -> None:
        """Listen.

        Args:
            port: 0 for any free one; `port` tells which.
        """
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Arrival(self._service, speaks_http1=self._speaks_http1),
            HOST,
            port,
            ssl=self._tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE if self._tls else None,
            ssl_shutdown_timeout=GOODBYE if self._tls else None,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, say goodbye to every client and wait until all of them are gone."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.close()
        for connection in list(self._service.connections):
            connection.close()
        await self._see_off()
        # Each was cancelled with its connection; here they get the time to clean up.
        if self._service.tasks:
            await asyncio.wait(self._service.tasks, timeout=GOODBYE)
        # Since Python 3.12 this also waits for clients that are still shaking hands.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listener.wait_closed(), GOODBYE)

    async def _see_off(self) -> None:
        leaving = [connection.closed for connection in self._service.connections]
        if not leaving:
            return
        _, late = await asyncio.wait(leaving, timeout=GOODBYE)
        if late:
            self.drop_connections()
            await asyncio.wait(late)

    def drop_connections(self) -> None:
        """Cut every open connection off without a word, and go on listening."""
        for connection in list(self._service.connections):
            connection.abort()

    def limit_streams(self, maximum: int) -> None:
        """Change how many requests a client may have open at once, now and from now on."""
        self._service.max_concurrent_streams = maximum
        for connection in list(self._service.connections):
            connection.allow_streams(maximum)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class _Arrival(asyncio.Protocol):
    """A client of which the language is not known yet."""

    def __init__(self, service: Service, *, speaks_http1: bool) -> None:
        self._service = service
        self._speaks_http1 = speaks_http1
        self._transport: asyncio.Transport | None = None
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the client over when ALPN has told its language."""
        # uvloop's transports are no subclass of asyncio.Transport, so nothing can be asserted.
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        chosen = tls.selected_alpn_protocol() if tls is not None else None
        if chosen is not None:
            self._hand_over(chosen == "h2")

    def data_received(self, data: bytes) -> None:
        """Tell the language by the first bytes."""
        self._heard += data
        if len(self._heard) < len(_HTTP2_GREETING):
            return
        self._hand_over(self._heard.startswith(_HTTP2_GREETING))

    def _hand_over(self, speaks_http2: bool) -> None:
        assert self._transport is not None  # noqa: S101 - set before anything can be read
        # A server for HTTP/2 only lets HTTP/2 itself complain about the greeting, as Apple's does.
        protocol: Http1Connection | Http2Connection = (
            Http1Connection(self._service)
            if self._speaks_http1 and not speaks_http2
            else Http2Connection(self._service)
        )
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._heard:
            protocol.data_received(self._heard)
