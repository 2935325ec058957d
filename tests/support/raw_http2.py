"""A TLS server whose every frame is the test's, right or wrong, and a line of ours that talks to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import trustme
from hpack import Encoder

from gtr_jobs.providers.authorities import read_authorities
from gtr_jobs.providers.exchange import HttpOptions, Result
from gtr_jobs.providers.http2 import frames
from gtr_jobs.providers.http2.line import Http2Line


class Frame(NamedTuple):
    """One frame as it came."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def settings(**values: int) -> bytes:
    """Write a server's SETTINGS, by the names that they have in RFC 9113."""
    return frames.write_settings({frames.Setting[name]: value for name, value in values.items()})


def head(
    stream: int, status: int = 200, fields: Iterable[tuple[str, str]] = (), *, ends: bool = False
) -> bytes:
    """Write the head of an answer, as a server that keeps no table for it."""
    encoder = Encoder()
    encoder.header_table_size = 0
    block = encoder.encode([(":status", str(status)), *fields])
    flags = frames.END_HEADERS | (frames.END_STREAM if ends else 0)
    return frames.write_frame(frames.HEADERS, flags, stream, block)


def data(stream: int, content: bytes = b"", *, ends: bool = True) -> bytes:
    """Write a piece of an answer; the last one unless it is said."""
    return frames.write_frame(frames.DATA, frames.END_STREAM if ends else 0, stream, content)


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def greet(self, *told: bytes) -> None:
        """Take the client's preface and SETTINGS, and say something: empty SETTINGS where nothing else."""
        assert await self.reader.readexactly(len(frames.PREFACE)) == frames.PREFACE
        self.send(*(told or (settings(),)))
        await self.until(frames.SETTINGS)

    async def receive(self) -> Frame:
        """Give the next frame."""
        size, kind, flags, number = self._read(await self.reader.readexactly(frames.HEADER_SIZE))
        return Frame(kind, flags, number, await self.reader.readexactly(size))

    async def until(self, kind: int) -> Frame:
        """Give the next frame of a kind; those before it are not looked at."""
        while (frame := await self.receive()).kind != kind:
            pass
        return frame

    async def rest(self) -> list[Frame]:
        """Give all frames until the client hangs up."""
        seen = []
        try:
            while True:
                seen.append(await self.receive())
        except (asyncio.IncompleteReadError, ConnectionError):
            return seen

    async def body(self, stream: int, size: int) -> list[Frame]:
        """Give the DATA frames of a stream until so many bytes have come."""
        seen: list[Frame] = []
        while sum(len(frame.payload) for frame in seen) < size:
            frame = await self.until(frames.DATA)
            assert frame.stream == stream
            seen.append(frame)
        return seen

    async def round_trip(self) -> list[Frame]:
        """Give what came until everything sent so far has been acted on, but for what confirms SETTINGS."""
        self.send(frames.write_frame(frames.PING, 0, 0, b"are you?"))
        seen = []
        while (frame := await self.receive()).payload != b"are you?":
            if frame != (frames.SETTINGS, frames.ACK, 0, b""):
                seen.append(frame)
        return seen

    def send(self, *told: bytes) -> None:
        """Say something."""
        self.writer.write(b"".join(told))

    def answer(self, *streams: int) -> None:
        """Answer requests with their numbers."""
        self.send(*(head(stream) + data(stream, str(stream).encode()) for stream in streams))

    @staticmethod
    def _read(header: bytes) -> tuple[int, int, int, int]:
        high, low, kind, flags, number = frames.HEADER.unpack(header)
        return high << 16 | low, kind, flags, number


class RawServer:
    """Listens on 127.0.0.1, and gives every connection to the test."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_alpn_protocols(["h2"])
        authority.issue_cert("localhost").configure_cert(self.tls)
        self.peers: list[Peer] = []
        self.url = ""
        self._arrived: asyncio.Queue[Peer] = asyncio.Queue()
        self._listener: asyncio.Server | None = None

    async def accept(self, *told: bytes) -> Peer:
        """Give the next connection, greeted."""
        peer = await self._arrived.get()
        await peer.greet(*told)
        return peer

    def options(self, **options: Any) -> HttpOptions:
        """Give how to talk to it."""
        return HttpOptions(ca_file=self.ca_file, **options)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self._arrived.put_nowait(peer)

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        # Small, so that what is not read piles up at the client soon.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self.url = f"https://localhost:{listening.getsockname()[1]}"
        self._listener = await asyncio.start_server(self._serve, sock=listening, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        for peer in self.peers:
            peer.writer.transport.abort()
        await self._listener.wait_closed()


class Client:
    """A line of ours, and requests over it.

    Args:
        server: Whom it talks to.
        options: How; see `HttpOptions`.
    """

    def __init__(self, server: RawServer, **options: Any) -> None:
        self.server = server
        used = server.options(**options)
        self.line = Http2Line(used, read_authorities(used.ca_file), {"x-of-the-line": "1"})

    def post(self, body: bytes = b"{}", path: str = "/") -> asyncio.Task[Result]:
        """Send a request."""
        return asyncio.create_task(self.line.ask(self.server.url + path, body, ()))


@asynccontextmanager
async def open_client(server: RawServer, **options: Any) -> AsyncIterator[Client]:
    """Make a client, and see after its use that nothing of it is left."""
    before = asyncio.all_tasks()
    client = Client(server, **options)
    try:
        yield client
    finally:
        await client.line.close()
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}
    assert all(session.is_closed for session in client.line._sessions)
