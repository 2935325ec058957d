"""A TLS server that answers exactly as it is told: HTTP/2 and HTTP/1.1, answers and accidents alike.

A stand-in for a provider decides by itself what is right; this one is for the other half of the
truth: the answer that a provider gives once a year, the reset stream, the connection that dies.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from pathlib import Path
from typing import Self, cast

import trustme
from support.answering_http1 import Http1Connection
from support.answering_http2 import Http2Connection
from support.answers import Action, Answer, Decide, SeenRequest


class AnsweringServer:
    """Listens on 127.0.0.1 with a certificate of `authority`; use as `async with`.

    Args:
        authority: Signs its certificate.
        folder: Where the authority's certificate is written for clients.
        hostname: The name in the certificate.
        max_streams: How many requests at a time a connection allows.
        certificate: What it shows instead of one of `authority` for `hostname`.
    """

    def __init__(
        self,
        authority: trustme.CA,
        folder: Path,
        hostname: str = "localhost",
        max_streams: int = 1000,
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.max_streams = max_streams
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        (certificate or authority.issue_cert(hostname)).configure_cert(self._tls)
        self._script: deque[Action] = deque()
        self._decide: Decide | None = None
        self._listener: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self.open: set[asyncio.Transport] = set()
        self.requests: list[SeenRequest] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"https://localhost:{self.port}"

    def answer(self, *actions: Action) -> None:
        """Set what the next requests get, in order; the last one repeats."""
        self._script = deque(actions)
        self._decide = None

    def answer_with(self, decide: Decide) -> None:
        """Let a function decide what every request gets."""
        self._decide = decide

    def decide(self, request: SeenRequest) -> Action:
        """Note a request and say what it gets."""
        self.requests.append(request)
        self.note_change()
        if self._decide is not None:
            return self._decide(request)
        if len(self._script) > 1:
            return self._script.popleft()
        return self._script[0] if self._script else Answer()

    async def saw(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        while len(self.requests) < count:
            await self._change()

    async def has_open(self, count: int) -> None:
        """Wait until exactly so many connections are open."""
        while len(self.open) != count:
            await self._change()

    def note_change(self) -> None:
        """Wake whoever waits for a request or a connection."""
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def listen(self) -> None:
        """Start to listen; after `stop` on the same port again."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._listener is None:
            return
        self._listener.close()
        for transport in list(self.open):
            transport.abort()
        await self.has_open(0)
        await self._listener.wait_closed()
        self._listener = None


class _Connection(asyncio.Protocol):
    """Speaks what the TLS handshake agreed on."""

    def __init__(self, server: AnsweringServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._http: Http1Connection | Http2Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        server = self._server
        server.connections += 1
        server.open.add(self._transport)
        server.note_change()
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        if agreed == "h2":
            self._http = Http2Connection(
                self._transport, server.connections, server.decide, server.max_streams
            )
        else:
            self._http = Http1Connection(self._transport, server.connections, server.decide)

    def data_received(self, data: bytes) -> None:
        if self._http is not None:
            self._http.receive(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._http is not None:
            self._http.end()
        if self._transport is not None:
            self._server.open.discard(self._transport)
        self._server.note_change()
