"""Reports in JSON from whoever has our secret: each webhook is written once, and as a whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.page import Answer, Asked, RefusedError
from gtr_jobs.http.webhooks.standard_signature import StandardSignature

EventT = TypeVar("EventT")

MOST_EVENTS = 100


class SignedReports(ABC, Generic[EventT]):
    """A page for such reports.

    Args:
        signature: Says whether it is from who has our secret, and new.
        books: Where it is written.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    methods: ClassVar[Mapping[str, frozenset[str]]] = {"POST": frozenset({"application/json"})}
    is_for_providers: ClassVar[bool] = True

    def __init__(self, signature: StandardSignature, books: Books) -> None:
        self._signature = signature
        self.books = books

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:  # noqa: ARG002  (a page's)
        """Refuse what has no signature, or an old one."""
        self._signature.look_at_head(headers)

    async def answer(self, asked: Asked) -> Answer:
        """Write all of it down, each webhook once."""
        webhook = self._signature.check(asked.headers, asked.body)
        reported = self.read(asked.body)
        if self.books.is_done(self.name, webhook):
            return Answer(Response(status_code=204), "repeated")
        for event in reported:
            await self.write(event)
        self.books.note_done(self.name, webhook)
        return Answer(Response(status_code=204), "recorded")

    @abstractmethod
    def read(self, body: bytes) -> Sequence[EventT]:
        """Read all events of a request, or none of them.

        Raises:
            RefusedError: One cannot be read.
        """

    @abstractmethod
    async def write(self, event: EventT) -> None:
        """Write one down."""


def split_events(body: bytes) -> Sequence[Any]:
    """Give the events of a body: one by itself, or `{"events": [...]}`.

    Raises:
        RefusedError: It has none, or too many.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "unreadable") from None
    events = content.get("events", [content]) if isinstance(content, dict) else None
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise RefusedError(400, "unreadable")
    return events
