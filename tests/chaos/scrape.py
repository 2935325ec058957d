"""Reads a worker's metrics page."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 3.0


async def read_metrics(http: str) -> str:
    """Get /metrics of a worker.

    Raises:
        OSError: It does not answer, or not in time.
    """
    address = urlsplit(http)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n")
            page = await reader.read()
            writer.close()
    except TimeoutError as error:
        raise OSError(f"{http} does not answer") from error
    return page.partition(b"\r\n\r\n")[2].decode()


def value_of(page: str, metric: str) -> float:
    """Add up all series of a metric; nothing where the page has none."""
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in page.splitlines()
        if line.startswith((f"{metric} ", f"{metric}{{"))
    )
