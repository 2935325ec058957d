"""What passes between a stand-in and its clients: a request in, an answer or a wire fault out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from h2.errors import ErrorCodes

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json; charset=UTF-8"}


class Connection(Protocol):
    """What a handler may know of and do to the connection that a request came on.

    Attributes:
        number: Counts the server's connections from 1.
        notes: What the handler wants to remember about this connection.
    """

    number: int
    notes: dict[str, Any]

    def allow_streams(self, maximum: int) -> None:
        """Tell the client how many requests it may have open at once (HTTP/2 only)."""


@dataclass(slots=True)
class Request:
    """A whole request.

    Args:
        method: Upper case, as sent.
        path: With its query, as sent.
        headers: Lower case names; the last value of a repeated one.
        body: All of it.
        connection: Where it came in.
        repeated: Names that came more than once.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: Connection
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Respond:
    """An ordinary answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reset:
    """End the stream with RST_STREAM; HTTP/1.1 knows no streams, so there the connection drops.

    Args:
        code: REFUSED_STREAM tells the client that nothing was processed; other codes do not.
    """

    code: int = ErrorCodes.REFUSED_STREAM


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Drop the connection without an answer, as a machine that dies does."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """Announce the end of the connection; this request gets no answer, earlier ones still do.

    Args:
        last_stream_id: The last stream that is said to have been processed. "previous" leaves out
            the request that this answers, "this" takes it in.
        code: Why; NO_ERROR is an ordinary shutdown.
        debug: What a human should read.
    """

    last_stream_id: int | Literal["previous", "this"] = "previous"
    code: int = ErrorCodes.NO_ERROR
    debug: bytes = b""


@dataclass(frozen=True, slots=True)
class Stall:
    """Never answer, and keep the connection."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer later.

    Args:
        seconds: How much later.
        then: With what.
    """

    seconds: float
    then: Answer


Answer = Respond | Reset | Disconnect | GoAway | Stall | Delay

# A handler that has its answer at hand returns it at once and costs no task; one that must wait
# returns an awaitable.
Handler = Callable[[Request], Answer | Awaitable[Answer]]


def respond_json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Respond:
    """Make an answer with a JSON body."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Respond(status, body, {**JSON_HEADERS, **headers} if headers else JSON_HEADERS)
