"""One HTTP/2 connection of an answering server, frame by frame."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import assert_never

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame
from support.answers import (
    Action,
    AllowStreams,
    Answer,
    Decide,
    Drop,
    GoAway,
    ResetStream,
    SeenRequest,
    Stall,
    Trickle,
)


@dataclass(slots=True)
class _Stream:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    promised: bool = False  # whether the answer ends when `unsent` is empty


class Http2Connection:
    """Turns received bytes into requests, and actions into frames.

    Args:
        transport: Where frames go.
        number: Which connection of the server this is.
        decide: Says what a request gets.
        max_streams: What SETTINGS allow.
    """

    def __init__(
        self, transport: asyncio.Transport, number: int, decide: Decide, max_streams: int
    ) -> None:
        self._transport = transport
        self._number = number
        self._decide = decide
        self._streams: dict[int, _Stream] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._h2.local_settings = Settings(
            client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: max_streams}
        )
        self._h2.initiate_connection()
        self._flush()

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        for event in self._h2.receive_data(data):
            match event:
                case RequestReceived(stream_id=int(stream_id), headers=headers):
                    self._streams[stream_id] = _Stream({str(k): str(v) for k, v in headers or []})
                case DataReceived(stream_id=int(stream_id), data=chunk):
                    self._streams[stream_id].body += chunk or b""
                    self._h2.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
                case StreamEnded(stream_id=int(stream_id)):
                    self._act(stream_id)
                case StreamReset(stream_id=int(stream_id)):
                    self._streams.pop(stream_id, None)
                case WindowUpdated():
                    for stream_id in list(self._streams):
                        self._send_some(stream_id)
                case _:
                    pass
        self._flush()

    def end(self) -> None:
        """Forget answers that are held back."""
        for task in self._waiting:
            task.cancel()

    def _act(self, stream_id: int) -> None:
        stream = self._streams[stream_id]
        headers = {name: value for name, value in stream.headers.items() if name[0] != ":"}
        action = self._decide(
            SeenRequest(
                connection=self._number,
                method=stream.headers[":method"],
                path=stream.headers[":path"],
                headers=headers,
                body=bytes(stream.body),
            )
        )
        if isinstance(action, Answer) and action.after is not None:
            task = asyncio.create_task(self._perform_later(stream_id, action, action.after))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        else:
            self._perform(stream_id, action)

    async def _perform_later(self, stream_id: int, action: Action, after: asyncio.Event) -> None:
        await after.wait()
        if stream_id in self._streams:
            self._perform(stream_id, action)

    def _perform(self, stream_id: int, action: Action) -> None:
        match action:
            case Answer():
                stream = self._streams[stream_id]
                stream.unsent += action.content()
                stream.promised = True
                fields = {":status": str(action.status), "content-length": str(len(stream.unsent))}
                self._h2.send_headers(stream_id, [*(fields | dict(action.headers)).items()])
                self._send_some(stream_id)
            case AllowStreams(count=count, answer=answer):
                self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: count})
                self._perform(stream_id, answer)
            case Trickle():
                fields = {":status": "200"} | dict(action.headers)
                self._h2.send_headers(stream_id, [*fields.items()])
                task = asyncio.create_task(self._trickle(stream_id, action))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)
            case ResetStream():
                self._h2.reset_stream(stream_id, action.code)
                self._streams.pop(stream_id, None)
            case GoAway():
                last = stream_id if action.processed else max(stream_id - 2, 0)
                if action.lingers:
                    # Without h2's knowledge, which would send nothing after it.
                    goaway = GoAwayFrame(last_stream_id=last, error_code=action.code)
                    self._transport.write(goaway.serialize())
                    return
                self._h2.close_connection(action.code, last_stream_id=last)
                self._flush()
                self._transport.close()
            case Drop() | Stall():
                if action.after_headers:
                    self._h2.send_headers(stream_id, [(":status", "200"), ("content-length", "9")])
                    self._flush()
                if isinstance(action, Drop):
                    self._transport.abort()
            case _:
                assert_never(action)
        self._flush()

    async def _trickle(self, stream_id: int, action: Trickle) -> None:
        while stream_id in self._streams:
            self._streams[stream_id].unsent += action.piece
            self._send_some(stream_id)
            self._flush()
            await asyncio.sleep(action.seconds)
            while stream_id in self._streams and self._streams[stream_id].unsent:
                await asyncio.sleep(0.005)

    def _send_some(self, stream_id: int) -> None:
        stream = self._streams[stream_id]
        while stream.unsent:
            room = min(
                self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size
            )
            if room <= 0:
                return
            self._h2.send_data(stream_id, bytes(stream.unsent[:room]))
            del stream.unsent[:room]
        if stream.promised:
            self._h2.end_stream(stream_id)
            self._streams.pop(stream_id, None)

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._transport.write(data)
