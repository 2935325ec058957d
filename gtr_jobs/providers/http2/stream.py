"""A request and what there is of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gtr_jobs.providers.exchange import Answered, Broken, NotSent, Result
from gtr_jobs.providers.http2.headers import Head


class Stream:
    """A request on its way over a connection.

    Args:
        path: With the query.
        body: All of it.
        fields: Headers beside those that every request of the connection has.
        expires: When its deadline is over, by the loop's clock.
        future: Gets the result, or None where it was never sent and another connection has to.
    """

    __slots__ = (
        "body",
        "content",
        "expires",
        "fields",
        "future",
        "head",
        "number",
        "path",
        "window",
        "written",
    )

    def __init__(
        self,
        path: str,
        body: bytes,
        fields: Iterable[tuple[str, str]],
        expires: float,
        future: asyncio.Future[Result | None],
    ) -> None:
        self.path = path
        self.body = body
        self.fields = fields
        self.expires = expires
        self.future = future
        # On the connection; 0 until it has one.
        self.number = 0
        # Of the body, and how much more the server takes at the moment.
        self.written = 0
        self.window = 0
        # Of the answer; none until it has come.
        self.head: Head | None = None
        self.content: bytes | bytearray = b""

    @property
    def is_begun(self) -> bool:
        """Whether an answer has begun to come."""
        return self.head is not None

    def add(self, content: bytes) -> None:
        """Take a piece of the answer; most come in one, and a thousand are not copied a thousand times."""
        if not self.content:
            self.content = content
        elif isinstance(self.content, bytes):
            self.content = bytearray(self.content + content)
        else:
            self.content += content

    def end(self, result: Result | None) -> None:
        """Give whoever waits the result; nobody may wait any more."""
        if not self.future.done():
            self.future.set_result(result)

    def end_broken(self) -> None:
        """End with a connection that breaks."""
        self.end(Broken("answer_broken" if self.is_begun else "connection_lost"))

    def answer(self, connection: int) -> None:
        """End with what has come.

        Args:
            connection: What `Answered.connection` says.
        """
        # What only informs is none, and is followed by one.
        if self.head is None or self.head.status < 200:
            self.end(Broken("answer_broken"))
            return
        status, headers = self.head
        announced = headers.get("content-length")
        if announced is not None and announced != str(len(self.content)):
            self.end(Broken("answer_broken"))
        else:
            self.end(Answered(status, headers, bytes(self.content), connection))


NEVER_PROCESSED = NotSent("goaway")
REFUSED = NotSent("refused_stream")
