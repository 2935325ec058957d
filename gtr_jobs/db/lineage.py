"""Whether the database is still the one that it was: another server, timeline or time pauses what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from gtr_jobs.db.audit import Note
from gtr_jobs.db.operator import Connections, fetch_rows
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.lineage import explain_reasons
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

_CHECK = "select pulse, paused_since, reasons from gtr_jobs.check_lineage(%s)"


class PulseFile:
    """Keeps the highest pulse on this machine, for a worker that starts after the database was put back.

    Args:
        path: The file; it is made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int | None:
        """Read the pulse; None where there is none yet.

        Raises:
            ConfigurationError: The file cannot be read or written, or is another one.
        """
        try:
            pulse = self._read()
            self.write(pulse)
        except OSError as error:
            raise ConfigurationError(
                f"GTR_STATE_FILE: cannot read and write {self._path} ({error.strerror})",
                "name a file in a folder that the worker's user may write to",
            ) from None
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"GTR_STATE_FILE: {self._path} is no state of a worker",
                "name another file, or delete this one",
            ) from None
        return pulse

    def write(self, pulse: int | None) -> None:
        """Write the pulse.

        Raises:
            OSError: It could not be written; what was written before still stands.
        """
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(json.dumps({"pulse": pulse}), encoding="utf-8")
        beside.replace(self._path)

    def _read(self) -> int | None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        pulse = json.loads(text)["pulse"]
        return None if pulse is None else int(pulse)


class Lineage:
    """What one worker knows of its database's identity and past.

    Args:
        log: Is told when sending is paused and when it goes on.
        metrics: The same as a gauge.
        file: Keeps what is known beyond this process, where it is wanted.
        tell: Is given what to tell an operator; None when there is nothing.
    """

    def __init__(
        self,
        log: Logger,
        metrics: Metrics,
        file: PulseFile | None = None,
        tell: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._file = file
        self._tell = tell
        self._pulse = file.read() if file is not None else None
        self._can_write = True
        self._reasons: tuple[str, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Whether nothing may be sent until an operator says so."""
        return bool(self._reasons)

    async def check(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Compare what this worker remembers with what the database says; call it first of all on a new connection."""
        cursor = await connection.execute(_CHECK, [self._pulse])
        row = await cursor.fetchone()
        if row is None:
            return
        pulse, paused_since, reasons = row
        # What it remembers stays the highest until an operator has seen to it: he lifts the pulse beyond.
        self._pulse = max(self._pulse or 0, pulse)
        if not paused_since:
            self._keep()
        self._note(tuple(reasons))

    def _note(self, reasons: tuple[str, ...]) -> None:
        before, self._reasons = self._reasons, reasons
        self._metrics.timeline_changed.set(bool(reasons))
        if set(reasons) == set(before):
            return
        if not reasons:
            self._tell(None)
            self._log.warning(events.SENDING_RESUMED)
            return
        why = explain_reasons(reasons)
        self._tell(f"sending is paused: {why}; gtr-jobs resume --acknowledge lets it go on")
        self._log.error(
            events.SENDING_PAUSED,
            reasons=list(reasons),
            why=why,
            hint="see docs/how-to/after-a-restore.md, then gtr-jobs resume --acknowledge",
        )

    def _keep(self) -> None:
        if self._file is None:
            return
        try:
            self._file.write(self._pulse)
        except OSError as error:
            if self._can_write:
                self._log.warning(
                    events.WORKER_WARNED,
                    warning=f"GTR_STATE_FILE: cannot be written ({error.strerror})",
                )
            self._can_write = False
        else:
            self._can_write = True


@dataclass(frozen=True, slots=True)
class LineageState:
    """What the database's book says of itself, beside what is so.

    Args:
        paused_since: Since when nothing is sent; None where all is well.
        reasons: Why.
        timeline_was: The timeline of the book.
        timeline: The timeline now; None where the platform does not tell.
        checked_at: When a worker last looked.
    """

    paused_since: datetime | None
    reasons: list[str]
    timeline_was: int | None
    timeline: int | None
    checked_at: datetime


class LineageBook:
    """The book, as operators read it and write to it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def read(self) -> LineageState | None:
        """Read it; None where no worker has looked yet."""
        rows = await fetch_rows(
            self._connections,
            "select paused_since, reasons, timeline_was, timeline, checked_at"
            " from gtr_jobs.read_lineage()",
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
