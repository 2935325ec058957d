"""Addresses at which no PostgreSQL answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listen_and_say_nothing() -> Iterator[int]:
    """Take connections at a port, and never answer; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def hold_port() -> Iterator[int]:
    """Keep a port from everybody without listening at it: whoever connects is refused. Give the port."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
