"""One HTTP/2 connection: frames in, requests to the handler, answers and wire faults out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import assert_never

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from gtr_jobs.dev.standins.connection import ServedConnection
from gtr_jobs.dev.standins.exchange import Answer, Delay, Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.service import Service

MAX_HEADER_LIST_SIZE = 64 * 1024

_CONFIG = H2Configuration(
    client_side=False,
    # What we send is written here in full; checking it again would cost a tenth of a request.
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class _Incoming:
    """A request of which the end has not come yet."""

    __slots__ = ("body", "fields")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self.fields = fields
        self.body = bytearray()


class Http2Connection(ServedConnection):
    """Serves one client over HTTP/2.

    Args:
        service: What the connections of the server share.
    """

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._h2 = H2Connection(_CONFIG)
        # Streams on which the client still waits; an answer to any other is dropped.
        self._unanswered: set[int] = set()
        self._incoming: dict[int, _Incoming] = {}
        self._unsent: dict[int, memoryview] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last_stream: int | None = None
        self._highest_asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client with our settings."""
        super().connection_made(transport)
        self._h2.initiate_connection()
        # h2 greets with the values in force, and its limit of streams would be in force at once.
        # Sending ours as a change instead gives the client the time until it acknowledges them.
        self._h2.clear_outbound_data_buffer()
        self._h2.update_settings(
            {
                SettingCodes.MAX_CONCURRENT_STREAMS: self._service.max_concurrent_streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST_SIZE,
            }
        )
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent and answer what can be answered."""
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._flush()  # h2 has written the GOAWAY that says why
            self._end()
            return
        for event in events:
            match event:
                case RequestReceived():
                    self._open(event)
                case DataReceived():
                    self._take(event)
                case StreamEnded():
                    self._ask(event.stream_id)
                case WindowUpdated() | RemoteSettingsChanged():
                    self._send_more()
                case StreamReset():
                    self._forget(event.stream_id)
                case ConnectionTerminated():
                    self._end()  # the client said goodbye; h2 lets nothing follow
        self._flush()

    def allow_streams(self, maximum: int) -> None:
        """Tell the client how many requests it may have open at once."""
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: maximum})
        self._flush()

    def close(self) -> None:
        """Send GOAWAY and end once everything written has left."""
        self._h2.close_connection()
        self._flush()
        self._end()

    def _release(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks.values():
            task.cancel()
        for held in (self._unanswered, self._incoming, self._unsent, self._timers, self._tasks):
            held.clear()

    def _flush(self) -> None:
        self._write(self._h2.data_to_send())

    # Requests in.

    def _open(self, event: RequestReceived) -> None:
        if self._last_stream is not None and event.stream_id > self._last_stream:
            return  # after a GOAWAY new streams are not even refused
        self._incoming[event.stream_id] = _Incoming(event.headers)
        self._unanswered.add(event.stream_id)

    def _take(self, event: DataReceived) -> None:
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        incoming = self._incoming.get(event.stream_id)
        if incoming is None:
            return
        incoming.body += event.data
        if len(incoming.body) > self._service.body_limit:
            del self._incoming[event.stream_id]
            self._answer(event.stream_id, Respond(413, b"the body is too large"))

    def _ask(self, stream_id: int) -> None:
        incoming = self._incoming.pop(stream_id, None)
        if incoming is None:
            return
        self._highest_asked = max(self._highest_asked, stream_id)
        request = self._request("", "", incoming.fields, bytes(incoming.body))
        request.method = request.headers.pop(":method")
        request.path = request.headers.pop(":path", "*")
        answer = self._service.answer(request)
        if isinstance(answer, Awaitable):
            self._tasks[stream_id] = self._service.spawn(
                self._answer_late(stream_id, answer), answer
            )
        else:
            self._answer(stream_id, answer)

    # Answers out.

    async def _answer_late(self, stream_id: int, answer: Awaitable[Answer]) -> None:
        ready = await self._service.wait_for(answer)
        self._tasks.pop(stream_id, None)
        self._answer(stream_id, ready)
        self._flush()

    def _answer_after_delay(self, stream_id: int, answer: Answer) -> None:
        del self._timers[stream_id]
        self._answer(stream_id, answer)
        self._flush()

    def _answer(self, stream_id: int, answer: Answer) -> None:
        if stream_id not in self._unanswered:
            return
        try:
            self._give(stream_id, answer)
        except ProtocolError:
            self._forget(stream_id)  # the same read brought the client's own end of the stream

    def _give(self, stream_id: int, answer: Answer) -> None:
        match answer:
            case Respond():
                self._respond(stream_id, answer)
            case Delay(seconds=seconds, then=then):
                self._timers[stream_id] = self._loop.call_later(
                    seconds, self._answer_after_delay, stream_id, then
                )
            case Reset(code=code):
                self._h2.reset_stream(stream_id, code)
                self._forget(stream_id)
            case Disconnect():
                self._flush()
                self.abort()
            case GoAway():
                self._go_away(stream_id, answer)
            case Stall():
                pass
            case _:
                assert_never(answer)

    def _respond(self, stream_id: int, answer: Respond) -> None:
        headers = [(b":status", b"%d" % answer.status)]
        headers.extend((name.encode(), value.encode()) for name, value in answer.headers.items())
        self._h2.send_headers(stream_id, headers, end_stream=not answer.body)
        self._send(stream_id, memoryview(answer.body))

    def _send(self, stream_id: int, body: memoryview) -> None:
        while body:
            room = min(
                self._h2.local_flow_control_window(stream_id),
                self._h2.max_outbound_frame_size,
                len(body),
            )
            if room <= 0:
                self._unsent[stream_id] = body
                return
            self._h2.send_data(stream_id, bytes(body[:room]), end_stream=room == len(body))
            body = body[room:]
        self._forget(stream_id)

    def _send_more(self) -> None:
        for stream_id in list(self._unsent):
            try:
                self._send(stream_id, self._unsent.pop(stream_id))
            except ProtocolError:
                self._forget(stream_id)  # the same read brought the end of the stream

    def _go_away(self, stream_id: int, answer: GoAway) -> None:
        match answer.last_stream_id:
            case "previous":
                self._last_stream = max(0, stream_id - 2)
            case "this":
                self._last_stream = stream_id
            case number:
                self._last_stream = number
        if self._highest_asked > stream_id:
            # Nobody says of a request that was taken that it was not.
            self._last_stream = max(self._last_stream, self._highest_asked)
        self._flush()
        # Past h2, which would let no open stream finish after a GOAWAY of its own.
        self._write(GoAwayFrame(0, self._last_stream, answer.code, answer.debug).serialize())
        self._unanswered = {other for other in self._unanswered if other <= self._last_stream}
        # What is on its way to us is not taken any more: its client sends it elsewhere.
        for other in [other for other in self._incoming if other > self._last_stream]:
            del self._incoming[other]
        self._forget(stream_id)

    def _forget(self, stream_id: int) -> None:
        """Let go of a stream that is over, for whichever reason."""
        self._unanswered.discard(stream_id)
        self._incoming.pop(stream_id, None)
        self._unsent.pop(stream_id, None)
        if (timer := self._timers.pop(stream_id, None)) is not None:
            timer.cancel()
        if (task := self._tasks.pop(stream_id, None)) is not None:
            task.cancel()
        if self._last_stream is not None and not self._unanswered:
            self._flush()
            self._end()
