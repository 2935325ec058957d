"""One HTTP/1.1 connection, with keep-alive: requests to the handler, answers and faults out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import assert_never

import h11

from gtr_jobs.dev.standins.connection import ServedConnection
from gtr_jobs.dev.standins.exchange import Answer, Delay, Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.service import Service


class Http1Connection(ServedConnection):
    """Serves one client over HTTP/1.1, one request after the other.

    Args:
        service: What the connections of the server share.
    """

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent and answer what can be answered."""
        self._h11.receive_data(data)
        self._read()

    def allow_streams(self, maximum: int) -> None:
        """HTTP/1.1 has one request at a time and nothing to say about it."""

    def close(self) -> None:
        """End once everything written has left."""
        self._end()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    # Requests in.

    def _go_on(self) -> None:
        self._read()

    def _read(self) -> None:
        try:
            while self._may_take() and self._take(self._h11.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)

    def _may_take(self) -> bool:
        """Whether the client is there and keeps up; many requests may have come in one read."""
        return self._transport is not None and not self._is_congested

    def _take(self, event: object) -> bool:
        """Take one event; False when the next one has to wait."""
        match event:
            case h11.Request():
                self._head = event
                self._body = bytearray()
                if self._h11.they_are_waiting_for_100_continue:
                    self._tell(h11.InformationalResponse(status_code=100, headers=[]))
            case h11.Data():
                self._body += event.data
                if len(self._body) > self._service.body_limit:
                    self._refuse(413)
                    return False
            case h11.EndOfMessage():
                self._ask()
            case _:  # NEED_DATA, PAUSED or ConnectionClosed
                return False
        return True

    def _ask(self) -> None:
        assert self._head is not None  # noqa: S101 - h11 ends no message that it did not begin
        answer = self._service.answer(
            self._request(
                self._head.method.decode("latin-1"),
                self._head.target.decode("latin-1"),
                self._head.headers,
                bytes(self._body),
            )
        )
        if isinstance(answer, Awaitable):
            self._task = self._service.spawn(self._answer_late(answer), answer)
        else:
            self._answer(answer)

    # Answers out.

    async def _answer_late(self, answer: Awaitable[Answer]) -> None:
        ready = await self._service.wait_for(answer)
        self._task = None
        self._answer(ready)
        self._read()

    def _answer_after_delay(self, answer: Answer) -> None:
        self._timer = None
        self._answer(answer)
        self._read()

    def _answer(self, answer: Answer) -> None:
        match answer:
            case Respond():
                self._respond(answer)
            case Delay(seconds=seconds, then=then):
                self._timer = self._loop.call_later(seconds, self._answer_after_delay, then)
            case Reset() | GoAway() | Disconnect():
                self.abort()
            case Stall():
                pass
            case _:
                assert_never(answer)

    def _respond(self, answer: Respond) -> None:
        length = ("content-length", str(len(answer.body)))
        self._tell(
            h11.Response(status_code=answer.status, headers=[*answer.headers.items(), length])
        )
        if answer.body:
            self._tell(h11.Data(data=answer.body))
        self._tell(h11.EndOfMessage())
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        else:
            self._end()

    def _refuse(self, status: int) -> None:
        """Answer something that is no request, or too large a one, and end."""
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [("content-length", "0"), ("connection", "close")]
            self._tell(h11.Response(status_code=status, headers=headers))
            self._tell(h11.EndOfMessage())
        self._end()

    def _tell(self, event: h11.Event) -> None:
        self._write(self._h11.send(event) or b"")
