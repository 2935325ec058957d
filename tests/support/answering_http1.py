"""One HTTP/1.1 connection of an answering server."""

from __future__ import annotations

import asyncio
from typing import assert_never

import h11
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


class Http1Connection:
    """Turns received bytes into requests, and actions into answers.

    Args:
        transport: Where answers go.
        number: Which connection of the server this is.
        decide: Says what a request gets.
    """

    def __init__(self, transport: asyncio.Transport, number: int, decide: Decide) -> None:
        self._transport = transport
        self._number = number
        self._decide = decide
        self._h11 = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._waiting: set[asyncio.Task[None]] = set()

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        self._h11.receive_data(data)
        while True:
            event = self._h11.next_event()
            match event:
                case h11.Request():
                    self._request = event
                    self._body.clear()
                case h11.Data():
                    self._body += event.data
                case h11.EndOfMessage():
                    self._act()
                case _:
                    return

    def end(self) -> None:
        """Forget answers that are held back."""
        for task in self._waiting:
            task.cancel()

    def _act(self) -> None:
        if self._request is None:
            return
        action = self._decide(
            SeenRequest(
                connection=self._number,
                method=self._request.method.decode(),
                path=self._request.target.decode(),
                headers={name.decode(): value.decode() for name, value in self._request.headers},
                body=bytes(self._body),
            )
        )
        if isinstance(action, Answer) and action.after is not None:
            task = asyncio.create_task(self._perform_later(action, action.after))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        else:
            self._perform(action)

    async def _perform_later(self, action: Action, after: asyncio.Event) -> None:
        await after.wait()
        self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Answer():
                content = action.content()
                fields = {"content-length": str(len(content))} | dict(action.headers)
                self._write(h11.Response(status_code=action.status, headers=[*fields.items()]))
                self._write(h11.Data(data=content))
                self._write(h11.EndOfMessage())
                self._h11.start_next_cycle()
            case ResetStream() | GoAway() | AllowStreams():
                message = "HTTP/1.1 has no such frame"
                raise TypeError(message)
            case Trickle():
                self._write(h11.Response(status_code=200, headers=[*action.headers.items()]))
                task = asyncio.create_task(self._trickle(action))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)
            case Drop() | Stall():
                if action.after_headers:
                    self._write(h11.Response(status_code=200, headers=[("content-length", "9")]))
                if isinstance(action, Drop):
                    self._transport.abort()
            case _:
                assert_never(action)

    async def _trickle(self, action: Trickle) -> None:
        while not self._transport.is_closing():
            self._write(h11.Data(data=action.piece))
            await asyncio.sleep(action.seconds)
            while self._transport.get_write_buffer_size() and not self._transport.is_closing():
                await asyncio.sleep(0.005)

    def _write(self, event: h11.Event) -> None:
        if data := self._h11.send(event):
            self._transport.write(data)
