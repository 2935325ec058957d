"""An HTTP/2 client for tests that shows every frame: resets, goodbyes, settings and windows."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import ConnectionTerminated, Event, RemoteSettingsChanged
from h2.settings import SettingCodes

EventT = TypeVar("EventT", bound=Event)

_READ = 65_536


class FrameClient:
    """One connection; use `connect` to open it.

    Attributes:
        h2: The state of the connection, to write any frame with.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True))
        self._reader = reader
        self._writer = writer
        self._events: list[Event] = []

    @property
    def streams_allowed(self) -> int:
        """How many requests the server lets be open at once, as far as is known."""
        return self.h2.remote_settings.max_concurrent_streams

    async def post(
        self, path: str = "/", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> int:
        """Open a stream with a request and give its id."""
        stream_id = self.h2.get_next_available_stream_id()
        self.write_request(stream_id, path, body, headers)
        await self.flush()
        return stream_id

    def write_request(
        self,
        stream_id: int,
        path: str = "/",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Write a request without sending it yet."""
        fields = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            *(headers or {}).items(),
        ]
        self.h2.send_headers(stream_id, fields, end_stream=not body)
        if body:
            self.h2.send_data(stream_id, body, end_stream=True)

    async def flush(self) -> None:
        """Send what has been written."""
        self._writer.write(self.h2.data_to_send())
        await self._writer.drain()

    async def read(self, kind: type[EventT]) -> EventT:
        """Read on until an event of a kind has come, and give the first that was not given yet.

        Raises:
            EOFError: When the server ends the connection before.
        """
        while True:
            for event in self._events:
                if isinstance(event, kind):
                    self._events.remove(event)
                    return event
            if not await self._receive():
                raise EOFError("the server ended the connection")

    async def read_to_the_end(self) -> list[Event]:
        """Read until the server ends the connection, and give what was not given yet."""
        while await self._receive():
            pass
        return self._events

    async def _receive(self) -> bool:
        data = await self._reader.read(_READ)
        events = self.h2.receive_data(data)
        self._events.extend(events)
        if any(isinstance(event, ConnectionTerminated) for event in events):
            # To h2 a goodbye ends everything; the protocol lets open streams finish.
            self.h2.state_machine.state = ConnectionState.CLIENT_OPEN
        if data:
            await self.flush()
        return bool(data)


@asynccontextmanager
async def connect(
    port: int, ca_file: Path, settings: Mapping[SettingCodes | int, int] | None = None
) -> AsyncIterator[FrameClient]:
    """Connect, greet and wait for the server's greeting.

    Args:
        port: Of this machine.
        ca_file: What to trust.
        settings: What to tell the server about ourselves.
    """
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    client = FrameClient(reader, writer)
    try:
        client.h2.local_settings.update(settings or {})
        client.h2.local_settings.acknowledge()
        client.h2.initiate_connection()
        await client.flush()
        await client.read(RemoteSettingsChanged)
        yield client
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
