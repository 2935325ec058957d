"""A client from npm in a process of Node's: a command in, what came of it out, a line of JSON each."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[1] / "node"
# A batch's answer may be long; it is one line all the same.
_LONGEST_LINE = 1024 * 1024
_PATIENCE_SECONDS = 15


class ThrownError(Exception):
    """The client threw.

    Attributes:
        fields: What it said: `message`, `code` and whatever else it carries.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.fields = fields


class NodeClient:
    """One process; commands are obeyed one after the other."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, command: str, **given: Any) -> Any:
        """Have the client do something and give what it returned.

        Args:
            command: A name that its script in tests/node/clients knows.
            given: What the command is about; None leaves a field out.

        Raises:
            ThrownError: The client threw.
            AssertionError: The process is gone; carries what it said.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        kept = {name: value for name, value in given.items() if value is not None}
        async with asyncio.timeout(_PATIENCE_SECONDS):
            self._process.stdin.write(json.dumps({"command": command, **kept}).encode() + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        if not line:
            raise AssertionError(f"node ended: {await self._read_complaint()}")
        answer: dict[str, Any] = json.loads(line)
        if "thrown" in answer:
            raise ThrownError(answer["thrown"])
        return answer.get("returned")

    async def end(self) -> None:
        """Close its input, which ends it; a process that does not end is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise

    async def _read_complaint(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode()


@asynccontextmanager
async def run_node_client(
    script: str, package: str, *arguments: str, environment: Mapping[str, str]
) -> AsyncIterator[NodeClient]:
    """Run a script of tests/node/clients; skips the test where its client is not installed.

    Args:
        script: Its name, without ending.
        package: The client that it drives.
        arguments: What the script wants to know.
        environment: Variables that the client reads.
    """
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules" / package).exists():
        pytest.skip(f"no {package}: run `npm ci` in tests/node")
    process = await asyncio.create_subprocess_exec(
        node,
        str(_FOLDER / "clients" / f"{script}.mjs"),
        *arguments,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=_LONGEST_LINE,
    )
    client = NodeClient(process)
    try:
        yield client
    finally:
        await client.end()
