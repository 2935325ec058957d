"""Reads the app's rows that notifications are about, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from gtr_jobs.domain.sources import AppNotification, ChatMessage, SourceName, SourceRow

_MESSAGES = """
    select message_id, recipient_id, conversation_id, sender_name, content, has_image
    from gtr_jobs.read_messages(%s)
"""
_NOTIFICATIONS = """
    select notification_id, user_id, kind, title, body, data
    from gtr_jobs.read_notifications(%s)
"""


class Sources:
    """The app's tables that cause notifications, as the worker may read them."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def read_rows(self, source: SourceName, row_ids: Sequence[UUID]) -> dict[UUID, SourceRow]:
        """Read rows of one table by id; rows that are gone are missing from the answer."""
        match source:
            case "messages":
                query = _MESSAGES
            case "notifications":
                query = _NOTIFICATIONS
            case _:
                assert_never(source)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, [list(row_ids)])
            rows = await cursor.fetchall()
        if source == "messages":
            return {row[0]: ChatMessage(*row) for row in rows}
        return {row[0]: AppNotification(*row) for row in rows}
