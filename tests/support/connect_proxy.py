"""An HTTP proxy on loopback that makes tunnels (CONNECT), as a company's network has one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class ConnectProxy:
    """A proxy, and what it was asked.

    Args:
        login: `name:password` that it wants; None where it takes everybody.
        refuses_with: A status that it answers every CONNECT with instead of a tunnel.
        port: Where it listens.
        targets: What it was asked to connect to, in order.
        carried: Every byte that went through its tunnels, from the client.
    """

    login: str | None = None
    refuses_with: int | None = None
    port: int = 0
    targets: list[str] = field(default_factory=list)
    carried: bytearray = field(default_factory=bytearray)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        self.targets.append(f"{method} {target}")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        status = self._status(fields)
        writer.write(f"HTTP/1.1 {status} Said\r\n\r\n".encode())
        await writer.drain()
        if status == 200:
            host, port = target.split(":")
            theirs, ours = await asyncio.open_connection(host, int(port))
            await asyncio.gather(self._pump(reader, ours, note=True), self._pump(theirs, writer))
        writer.close()

    def _status(self, fields: dict[str, str]) -> int:
        if self.login is not None:
            wanted = "Basic " + base64.b64encode(self.login.encode()).decode()
            if fields.get("proxy-authorization") != wanted:
                return 407
        return self.refuses_with or 200

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool = False
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if note:
                    self.carried += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def open_proxy(
    login: str | None = None, refuses_with: int | None = None
) -> AsyncIterator[ConnectProxy]:
    """Run a proxy, and end it after its use."""
    proxy = ConnectProxy(login, refuses_with)
    serving: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()
