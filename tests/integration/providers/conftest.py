"""A server for providers to talk to, and every provider in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
import uvloop
from support.answering_server import AnsweringServer
from support.raw_http2 import RawServer


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on the loop that a worker runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whom the providers under test trust."""
    return trustme.CA()


@pytest.fixture
async def answering_server(authority: trustme.CA, tmp_path: Path) -> AsyncIterator[AnsweringServer]:
    """A server that answers as it is told, over TLS."""
    async with AnsweringServer(authority, tmp_path) as server:
        yield server


@pytest.fixture
async def raw_server(authority: trustme.CA, tmp_path: Path) -> AsyncIterator[RawServer]:
    """A server whose frames the test writes."""
    async with RawServer(authority, tmp_path) as server:
        yield server
