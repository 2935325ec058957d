"""Tells over how many connections a client came."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from gtr_jobs.dev.standins.exchange import Answer, Request
from gtr_jobs.dev.standins.standin import StandIn


@contextmanager
def watch_connections(standin: StandIn) -> Iterator[set[int]]:
    """Collect the numbers of the connections on which requests come to a stand-in."""
    service = standin.server._service
    handle = service.handler
    seen: set[int] = set()

    def note(request: Request) -> Answer | Awaitable[Answer]:
        seen.add(request.connection.number)
        return handle(request)

    service.handler = note
    try:
        yield seen
    finally:
        service.handler = handle
