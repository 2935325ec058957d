"""`gtr-jobs http` as an operator runs it, and what reaches it without a library's patience."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from support.warm import WarmWorker
from support.webhooks import LINK_SECRET, PUBLIC_URL, SECRET, TOKEN

from gtr_jobs.dev.worker_process import GTR_JOBS
from gtr_jobs.observe import events

WEBHOOK_ENVIRONMENT: Mapping[str, str] = {
    "GTR_PUBLIC_URL": PUBLIC_URL,
    "GTR_TWILIO_AUTH_TOKEN": TOKEN,
    "GTR_WEBHOOK_SECRET": SECRET,
    "GTR_UNSUBSCRIBE_SECRET": LINK_SECRET,
    "GTR_WEBHOOK_PORT": "0",
    "GTR_HTTP_PORT": "0",
}


class HttpProcess(WarmWorker):
    """A process that serves the pages for providers.

    Args:
        environment: Its settings.
        arguments: What stands behind `gtr-jobs http`.
    """

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        super().__init__(
            {**WEBHOOK_ENVIRONMENT, **environment},
            arguments,
            command=(*GTR_JOBS, "http"),
            started=events.HTTP_STARTED,
        )

    @property
    def url(self) -> str:
        """Where the pages are."""
        return str(self.records_of(events.HTTP_STARTED)[0]["webhooks"])

    @property
    def own_url(self) -> str:
        """Where health and metrics are."""
        return str(self.records_of(events.HTTP_STARTED)[0]["http"])


def write_request(request: Mapping[str, Any]) -> bytes:
    """Write a request for httpx as the bytes that it is."""
    content = request["content"]
    body = content if isinstance(content, bytes) else content.encode()
    headers = {**request["headers"], "host": "jobs", "content-length": str(len(body))}
    lines = [f"POST {request['url']} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def pour(url: str, request: bytes, count: int, connections: int = 8) -> Counter[int]:
    """Send the same bytes so many times, as fast as they are answered; count the statuses."""
    host, _, port = url.removeprefix("http://").partition(":")
    each = [count // connections + (one < count % connections) for one in range(connections)]
    counted = await asyncio.gather(*(_pour_one(host, int(port), request, many) for many in each))
    return sum(counted, Counter())


async def _pour_one(host: str, port: int, request: bytes, count: int) -> Counter[int]:
    reader, writer = await asyncio.open_connection(host, port)
    statuses: Counter[int] = Counter()
    try:
        for _ in range(count):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            statuses[int(head.split(" ", 2)[1])] += 1
            length = [
                line for line in head.lower().split("\r\n") if line.startswith("content-length:")
            ]
            if length:
                await reader.readexactly(int(length[0].partition(":")[2]))
    finally:
        writer.close()
    return statuses
