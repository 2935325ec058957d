"""A TCP proxy between a client and a server that can be told to fail as networks do.

It runs in the test's own event loop: a test that blocks the loop (`EmbeddedServer.restart`) holds up the
proxy too, so such calls go to a thread.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Direction = Literal["to_server", "to_client"]

_CHUNK = 65_536
# SO_LINGER with no time: closing sends RST and not FIN.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Forward:
    """Everything goes through.

    Args:
        delay: Seconds that each piece is held back, either way; pieces keep their order.
    """

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Stall:
    """Bytes are taken, and acknowledged by the kernel, and go nowhere; so are new connections.

    A connection that lost bytes stays silent for good, also when the proxy forwards again.
    """


@dataclass(frozen=True, slots=True)
class Refuse:
    """New connections are reset at once; those that are open go on."""


@dataclass(frozen=True, slots=True)
class ResetAt:
    """Every connection is reset once so many bytes went one way on it; the last byte is not forwarded.

    Args:
        byte: Counted from 1, from the moment when the mode was set.
        direction: Which bytes count.
    """

    byte: int
    direction: Direction = "to_client"


@dataclass(frozen=True, slots=True)
class LoseReply:
    """One request reaches the server, its reply is thrown away and its connection reset; once.

    Args:
        request: Bytes by which the request is known, such as the name of a function. They must come in one
            piece, as a statement without much in it does; a prepared one is known by its parameters only.
    """

    request: bytes


Mode = Forward | Stall | Refuse | ResetAt | LoseReply


class Proxy:
    """A proxy on a free port of 127.0.0.1; `mode` may be changed at any time.

    Args:
        host: Where the server is.
        port: The server's port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._mode: Mode = Forward()
        self._mode_number = 0
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._lost = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the proxy was not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def mode(self) -> Mode:
        """What it does with what comes."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._mode_number += 1
        self._lost.clear()

    @property
    def mode_number(self) -> int:
        """How often the mode was changed."""
        return self._mode_number

    def point_at(self, host: str, port: int) -> None:
        """Send connections that come from now on to another server."""
        self._target = (host, port)

    def count_connections(self) -> int:
        """Say how many connections are open."""
        return len(self._connections)

    def reset_all(self) -> None:
        """Reset every open connection, on both sides."""
        for connection in list(self._connections):
            connection.reset()

    async def wait_until_lost(self) -> None:
        """Wait until `LoseReply` has lost its reply."""
        await self._lost.wait()

    def note_lost(self) -> None:
        """Take note that the reply was lost: what comes now goes through."""
        self.mode = Forward()
        self._lost.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.reset_all()
        await asyncio.gather(*(connection.ended.wait() for connection in list(self._connections)))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._mode, Refuse):
            _reset(writer)
            return
        try:
            server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(self, (reader, writer), server)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            connection.ended.set()


class _Connection:
    """A client, a server, and what goes between them."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._counts: dict[tuple[int, Direction], int] = {}
        self._is_dumb = False
        self._loses_reply = False
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Carry bytes both ways until either side is gone."""
        self._tasks = [
            asyncio.create_task(self._carry(self._client[0], self._server[1], "to_server")),
            asyncio.create_task(self._carry(self._server[0], self._client[1], "to_client")),
        ]
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in (self._client[1], self._server[1]):
            writer.close()

    def reset(self) -> None:
        """Reset both sides."""
        for writer in (self._client[1], self._server[1]):
            _reset(writer)
        for task in self._tasks:
            task.cancel()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        try:
            while piece := await reader.read(_CHUNK):
                await self._pass(piece, writer, direction)
        except OSError:
            return

    async def _pass(self, piece: bytes, writer: asyncio.StreamWriter, direction: Direction) -> None:
        deal: dict[type, Callable[..., Awaitable[bool]]] = {
            Stall: self._stall,
            ResetAt: self._reset_at,
            LoseReply: self._lose_reply,
        }
        mode = self._proxy.mode
        handled = deal.get(type(mode))
        if self._is_dumb or (handled is not None and await handled(mode, piece, writer, direction)):
            return
        if isinstance(mode, Forward) and mode.delay:
            await asyncio.sleep(mode.delay)
        writer.write(piece)
        await writer.drain()

    async def _stall(self, *_: object) -> bool:
        self._is_dumb = True
        return True

    async def _reset_at(
        self, mode: ResetAt, piece: bytes, writer: asyncio.StreamWriter, direction: Direction
    ) -> bool:
        if direction != mode.direction:
            return False
        key = (self._proxy.mode_number, direction)
        before = self._counts.get(key, 0)
        self._counts[key] = before + len(piece)
        if before + len(piece) < mode.byte:
            return False
        writer.write(piece[: mode.byte - before - 1])
        await writer.drain()
        self.reset()
        return True

    async def _lose_reply(
        self, mode: LoseReply, piece: bytes, _: asyncio.StreamWriter, direction: Direction
    ) -> bool:
        if direction == "to_server":
            self._loses_reply = self._loses_reply or mode.request in piece
            return False
        if not self._loses_reply:
            return False
        self._proxy.note_lost()
        self.reset()
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket | None = writer.get_extra_info("socket")
    if peer is not None and peer.fileno() >= 0:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
