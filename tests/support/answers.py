"""What an answering server saw, and what it can be told to do about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from h2.errors import ErrorCodes


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it arrived.

    Args:
        connection: Which connection carried it, counted from 1.
        method: Its method.
        path: Its path with the query.
        headers: Its headers, lower case.
        body: Its whole body.
    """

    connection: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Args:
        status: HTTP status.
        body: Bytes, or a value to be written as JSON.
        headers: Beside `content-length`.
        after: Held back until this is set.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: asyncio.Event | None = None

    def content(self) -> bytes:
        """Give the body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class ResetStream:
    """RST_STREAM instead of an answer (HTTP/2 only)."""

    code: ErrorCodes = ErrorCodes.INTERNAL_ERROR


@dataclass(frozen=True, slots=True)
class GoAway:
    """GOAWAY, then the connection is closed unless it lingers (HTTP/2 only).

    Args:
        processed: Whether the request counts among the processed ones (its id <= last_stream_id).
        code: The reason.
        lingers: Whether the connection stays open, and answers what counts as processed.
    """

    processed: bool
    code: ErrorCodes = ErrorCodes.NO_ERROR
    lingers: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is cut.

    Args:
        after_headers: Whether the answer's headers still go out, with a promise of more to come.
    """

    after_headers: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """The answer never comes.

    Args:
        after_headers: Whether its headers still go out, with a promise of more to come.
    """

    after_headers: bool = False


@dataclass(frozen=True, slots=True)
class Trickle:
    """An answer that never ends: its headers, then a piece again and again.

    Args:
        piece: What each piece is.
        seconds: How long between two; nothing to send as much as the client takes.
        headers: Beside the status.
    """

    piece: bytes = b"x"
    seconds: float = 0.05
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllowStreams:
    """SETTINGS with another number of streams, then an answer (HTTP/2 only)."""

    count: int
    answer: Answer = field(default_factory=Answer)


Action = Trickle | AllowStreams | Answer | ResetStream | GoAway | Drop | Stall
Decide = Callable[[SeenRequest], Action]
