"""Two people who write to each other on a server of their own, whatever happens to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.clusters import ProjectServer, start_project
from support.people import send_message
from support.way import Person, Way, open_way

from gtr_jobs.dev.standins.screen import show

# The bar: working again so long after the database is back.
WORKING_AGAIN_SECONDS = 10.0


@dataclass
class Chat:
    """Two people who write to each other, on a server of their own.

    Args:
        project: The server.
        way: Providers and workers.
        people: Who writes, and who has a phone.
    """

    project: ProjectServer
    way: Way
    people: tuple[Person, Person, Any]
    written: int = 0

    async def write(self, count: int = 1) -> None:
        """Write messages, on a connection of the moment."""
        mia, leo, chat = self.people
        async with await self.way.database.connect_async() as connection:
            await connection.execute("set default_transaction_read_only = off")
            for _ in range(count):
                self.written += 1
                text = f"Message {self.written}"
                await send_message(connection, chat, mia.user_id, leo.user_id, text)

    async def expect_sent(self, seconds: float = WORKING_AGAIN_SECONDS) -> None:
        """Wait until as many were sent as were written."""
        await self.way.providers.ledger.wait_for(self.written, timeout=seconds)

    async def expect_each_once(self) -> None:
        """See that nothing waits, and that nothing was sent twice."""
        await self.way.wait_until_settled()
        sent = Counter(show(entry).body for entry in self.way.providers.ledger.entries())
        assert sent == {f"Message {n}": 1 for n in range(1, self.written + 1)}


@asynccontextmanager
async def open_chat(folder: Path) -> AsyncIterator[Chat]:
    """Start a server, and put two people on it."""
    with start_project(folder / "server") as project:
        async with open_way(project.database, folder) as way:
            mia = await way.add_person("mia", "Mia Rossi")
            leo = await way.add_person("leo", "Leo Tanaka", "fcm")
            yield Chat(project, way, (mia, leo, await way.add_conversation(mia, leo)))
