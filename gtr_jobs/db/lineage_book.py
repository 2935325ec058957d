"""What the database's book says of its identity and past, as operators read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gtr_jobs.db.audit import Note
from gtr_jobs.db.operator import Connections, fetch_rows


@dataclass(frozen=True, slots=True)
class LineageState:
    """What the database's book says of itself, beside what is so.

    Args:
        paused_since: Since when nothing is sent; None where all is well.
        reasons: Why.
        timeline_was: The timeline of the book.
        timeline: The timeline now; None where the platform does not tell.
    """

    paused_since: datetime | None
    reasons: list[str]
    timeline_was: int | None
    timeline: int | None


class LineageBook:
    """The book, as operators read it and write to it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def read(self) -> LineageState | None:
        """Read it; None where no worker has looked yet."""
        rows = await fetch_rows(
            self._connections,
            "select paused_since, reasons, timeline_was, timeline from gtr_jobs.read_lineage()",
        )
        return LineageState(*rows[0]) if rows else None

    async def acknowledge(self, note: Note) -> tuple[str, ...]:
        """Let sending go on; say why it was paused, nothing where it was not."""
        rows = await fetch_rows(
            self._connections,
            "select gtr_jobs.acknowledge_lineage(%s, %s, %s, %s)",
            *note.parameters(),
        )
        return tuple(rows[0][0])
