"""What operators did: a note that goes with every act, and what is read of it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from gtr_jobs.db.operator import Connections, fetch_rows


@dataclass(frozen=True, slots=True)
class Note:
    """What the audit says of a command.

    Args:
        run_id: Holds the rows of one command together.
        actor: Who says that they act.
        reason: Why.
        wanted: What was asked for.
    """

    run_id: UUID
    actor: str
    reason: str
    wanted: Mapping[str, Any]

    def parameters(self) -> tuple[object, ...]:
        """Give them in the order in which acts take them."""
        return self.run_id, self.actor, self.reason, Jsonb(dict(self.wanted))


@dataclass(frozen=True, slots=True)
class JobAct:
    """What an operator did to a job."""

    acted_at: datetime
    actor: str
    database_role: str
    action: str
    reason: str
    run_id: UUID


class Audit:
    """The append-only book of what operators did."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def read_acts(self, job_id: int) -> list[JobAct]:
        """Read what operators did to a job, the oldest first."""
        rows = await fetch_rows(
            self._connections,
            "select acted_at, actor, database_role, action, reason, run_id"
            " from gtr_jobs.read_job_audit(%s)",
            job_id,
        )
        return [JobAct(*row) for row in rows]
