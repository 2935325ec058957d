"""What all connections of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from itertools import count
from typing import Any, Protocol

from gtr_jobs.dev.standins.exchange import Answer, Handler, Request, Respond

DEFAULT_BODY_LIMIT = 4 * 1024 * 1024
DEFAULT_STREAMS = 100


class LiveConnection(Protocol):
    """A connection as its server sees it."""

    closed: asyncio.Future[None]

    def close(self) -> None:
        """Say goodbye and end once everything written has left."""

    def abort(self) -> None:
        """End at once."""

    def allow_streams(self, maximum: int) -> None:
        """Tell the client how many requests it may have open at once."""


class Service:
    """The handler of a server, its limits and what is open.

    Args:
        handler: Answers requests.
        max_concurrent_streams: Requests that an HTTP/2 client may have open at once.
        body_limit: Largest request body in bytes; a larger one is answered with 413.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        max_concurrent_streams: int = DEFAULT_STREAMS,
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self.handler = handler
        self.max_concurrent_streams = max_concurrent_streams
        self.body_limit = body_limit
        self.connections: set[LiveConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    def next_number(self) -> int:
        """Number a new connection."""
        return next(self._numbers)

    def answer(self, request: Request) -> Answer | Awaitable[Answer]:
        """Ask the handler; a fault of its own becomes a plain 500 and is reported to the loop."""
        try:
            return self.handler(request)
        except Exception as error:  # noqa: BLE001 - one request must not take its connection down
            return self._report(error)

    async def wait_for(self, answer: Awaitable[Answer]) -> Answer:
        """Await a handler that needs time, with the same care for its faults."""
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - one request must not take its connection down
            return self._report(error)

    def spawn(
        self, work: Coroutine[Any, Any, None], waiting_for: Awaitable[Answer]
    ) -> asyncio.Task[None]:
        """Run something beside the connection; the server waits for its end when it closes.

        Args:
            work: What to run.
            waiting_for: The answer that it awaits; closed where the work never got that far.
        """
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if isinstance(waiting_for, Coroutine):
            task.add_done_callback(lambda _: waiting_for.close())
        return task

    def _report(self, error: Exception) -> Respond:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a stand-in failed to answer a request", "exception": error}
        )
        return Respond(500, b"the stand-in failed; see its log")
