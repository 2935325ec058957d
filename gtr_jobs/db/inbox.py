"""Writes into the app's list of notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gtr_jobs.db.connections import ConnectionPool

_WRITE = "select gtr_jobs.write_message_notifications(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Note:
    """A chat message as it stands among the notifications of its recipient.

    Args:
        message_id: The message; who gets it is read from its row.
        title: As the push has it.
        body: As the push has it.
    """

    message_id: UUID
    title: str = field(repr=False)
    body: str = field(repr=False)


class Inbox:
    """The app's `public.notifications`, as the worker may write to it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def write_messages(self, notes: Sequence[Note]) -> int:
        """Write messages, each once however often it is asked for; give how many are new."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                _WRITE,
                [
                    [note.message_id for note in notes],
                    [note.title for note in notes],
                    [note.body for note in notes],
                ],
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0
