"""What a parent tells a worker process: how to begin, what to do then, and when to end. A line of JSON each."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

# stop: let running work end. hurry: hand it back at once. reload: read credentials anew.
Order = Literal["stop", "hurry", "reload"]

_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Begin:
    """What a worker process is told first.

    Args:
        process: Its number among its siblings, from 1.
        http: The address of the parent's pages.
        given: Settings that the command line gave the parent, by name.
    """

    process: int
    http: str
    given: Mapping[str, Any]


def write_begin(begin: Begin) -> bytes:
    """Write the first line."""
    return json.dumps(asdict(begin)).encode() + b"\n"


def read_begin(parent: socket.socket) -> Begin | None:
    """Wait for the first line, and read no byte beyond it; None where the parent is gone."""
    line = bytearray()
    while not line.endswith(b"\n"):
        got = parent.recv(1)
        if not got or len(line) > _MOST_BYTES:
            return None
        line += got
    return Begin(**json.loads(line))


def write_order(order: Order) -> bytes:
    """Write one order."""
    return json.dumps(order).encode() + b"\n"


def read_order(line: bytes) -> Order:
    """Read one order; a line that was cut off because the parent died means stop."""
    orders: tuple[Order, ...] = ("hurry", "reload")
    return next((order for order in orders if line == write_order(order)), "stop")
