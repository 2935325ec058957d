"""Tells people of listings that fit their saved searches."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gtr_jobs.db.connections import ConnectionPool

_TELL = """
    select fitting, told, last_user_id
    from gtr_jobs.tell_saved_searches(%s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one page of people.

    Args:
        fitting: How many of them have a saved search that the listing fits.
        told: How many of these were told now; the others had been before.
        last_user_id: The last of the page; None where nobody was left.
    """

    fitting: int
    told: int
    last_user_id: UUID | None


class Searches:
    """The saved searches of the app's people, as the worker may use them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def tell_of(self, listing_id: UUID, *, after: UUID, limit: int, trace_id: str) -> Told:
        """Write a notification, and queue its push, for people whose saved searches a listing fits.

        Args:
            listing_id: The listing; one that is gone or not active fits nothing.
            after: Only people with a higher id.
            limit: The most people of one call.
            trace_id: What the pushes go on under.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TELL, [listing_id, after, limit, trace_id])
            row = await cursor.fetchone()
        return Told(*row) if row else Told(0, 0, None)
