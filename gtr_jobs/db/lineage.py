"""Whether the database is still the one that it was: another server, timeline or time pauses what is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from gtr_jobs.db.identity import Identity
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.lineage import explain_reasons
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

_CHECK = "select pulse, paused_since, reasons from gtr_jobs.check_lineage(%s, %s)"


@dataclass(frozen=True, slots=True)
class Memory:
    """What a witness knows of the database.

    Args:
        witness: Who.
        pulse: The highest that the database has given it; None before the first.
    """

    witness: UUID
    pulse: int | None = None


class MemoryFile:
    """Keeps a witness's memory on this machine, for a worker that starts after the database was put back.

    Args:
        path: The file; it is made if need be. Workers of one machine may share it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Memory:
        """Read what was kept; a new witness where there is none yet.

        Raises:
            ConfigurationError: The file cannot be read or written, or is another one.
        """
        try:
            memory = self._read()
            self.write(memory)
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
        return memory

    def write(self, memory: Memory) -> None:
        """Write it down.

        Raises:
            OSError: It could not be written; what was written before still stands.
        """
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        text = json.dumps({"witness": str(memory.witness), "pulse": memory.pulse})
        beside.write_text(text, encoding="utf-8")
        beside.replace(self._path)

    def _read(self) -> Memory:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Memory(uuid4())
        kept = json.loads(text)
        pulse = kept["pulse"]
        return Memory(UUID(kept["witness"]), None if pulse is None else int(pulse))


class Lineage:
    """What one worker knows of its database's identity and past.

    Args:
        log: Is told when sending is paused and when it goes on.
        metrics: The same as a gauge.
        file: Keeps what is known beyond this process, where it is wanted.
        tell: Is given what to tell an operator; None when there is nothing.
        identity: Looks first whether it is the worker's own database: on another one nothing is
            compared, and nothing remembered.
    """

    def __init__(
        self,
        log: Logger,
        metrics: Metrics,
        file: MemoryFile | None = None,
        tell: Callable[[str | None], None] = lambda _: None,
        identity: Identity | None = None,
    ) -> None:
        self._identity = identity
        self._log = log
        self._metrics = metrics
        self._file = file
        self._tell = tell
        self._memory = file.read() if file is not None else Memory(uuid4())
        self._can_write = True
        self._reasons: tuple[str, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Whether nothing may be sent until an operator says so."""
        return bool(self._reasons) or self.is_foreign

    @property
    def is_foreign(self) -> bool:
        """Whether the database says that it is another project or environment: nothing may be done on it."""
        return self._identity is not None and self._identity.is_foreign

    async def check(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Compare what this worker remembers with what the database says; call it first of all on a new connection."""
        if self._identity is not None and not await self._identity.check(connection):
            return
        cursor = await connection.execute(_CHECK, [self._memory.witness, self._memory.pulse])
        row = await cursor.fetchone()
        if row is None:
            return
        pulse, paused_since, reasons = row
        # What it remembers stays the highest until an operator has seen to it: he lifts the pulse beyond.
        self._memory = replace(self._memory, pulse=max(self._memory.pulse or 0, pulse))
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
            self._file.write(self._memory)
        except OSError as error:
            if self._can_write:
                self._log.warning(
                    events.WORKER_WARNED,
                    warning=f"GTR_STATE_FILE: cannot be written ({error.strerror})",
                )
            self._can_write = False
        else:
            self._can_write = True


async def read_pause(connection: psycopg.AsyncConnection[Any]) -> str:
    """Say why nothing may be sent from a database, for who remembers nothing of it; empty where all is well."""
    cursor = await connection.execute(_CHECK, [uuid4(), None])
    row = await cursor.fetchone()
    return explain_reasons(row[2]) if row is not None and row[2] else ""
