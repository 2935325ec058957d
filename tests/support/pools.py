"""An HTTP pool for an answering server, and requests to fill it with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.answering_server import AnsweringServer

from gtr_jobs.providers.exchange import HttpOptions, Protocol, Result
from gtr_jobs.providers.transport import HttpPool


@asynccontextmanager
async def open_pool(server: AnsweringServer, **options: Any) -> AsyncIterator[HttpPool]:
    """Make a pool for a server, and close it after its use."""
    pool = HttpPool(HttpOptions(ca_file=server.ca_file, **options), {"authorization": "one"})
    try:
        yield pool
    finally:
        await pool.close()


def post(pool: HttpPool, server: AnsweringServer, count: int) -> list[asyncio.Task[Result]]:
    """Send requests at once."""
    return [asyncio.create_task(pool.post(f"{server.url}/{n}", b"{}")) for n in range(count)]


async def post_once(
    server: AnsweringServer, protocol: Protocol, url: str | None = None, body: bytes = b"{}"
) -> Result:
    """Send one request on a pool of its own."""
    options = HttpOptions(protocol, server.ca_file, deadline=1.0, connect_timeout=0.9)
    pool = HttpPool(options, {"x-of-the-pool": "1"})
    try:
        return await pool.post(url or server.url + "/path?a=b", body, [("x-of-the-request", "2")])
    finally:
        await pool.close()
