"""Asking a proxy for a tunnel (CONNECT, RFC 9110, 9.3.6)."""

from __future__ import annotations

import asyncio
import base64
from typing import cast

from gtr_jobs.providers.proxy import Proxy

_LARGEST_REPLY = 16_384


class Tunnel(asyncio.Protocol):
    """Asks a proxy for a tunnel and reads its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reply = b""
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def ask(self, host: str, port: int, proxy: Proxy) -> int:
        """Give the proxy's HTTP status.

        Raises:
            OSError: It hung up, or what it said is no answer.
        """
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if proxy.name:
            login = base64.b64encode(f"{proxy.name}:{proxy.password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {login}")
        if self._transport is None:
            raise ConnectionError("the proxy hung up")
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
        return await self._status

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, as asyncio says."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what has come, as asyncio says."""
        if self._status.done():
            return
        self._reply += data
        head, end, behind = self._reply.partition(b"\r\n\r\n")
        if len(head) > _LARGEST_REPLY:
            self._status.set_exception(OSError("the proxy's answer has no end"))
            return
        if not end:
            return
        version, _, rest = head.partition(b" ")
        if behind and rest[:1] == b"2":
            # The server speaks after us: it comes from somebody in between.
            self._status.set_exception(OSError("the proxy has put something into the tunnel"))
        elif version.startswith(b"HTTP/1.") and rest[:3].isdigit():
            self._status.set_result(int(rest[:3]))
        else:
            self._status.set_exception(OSError("the proxy's answer is none"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End, as asyncio says."""
        if not self._status.done():
            self._status.set_exception(OSError("the proxy hung up"))
