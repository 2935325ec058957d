"""The table of operators' switches: as a worker reads it, and as operators write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from gtr_jobs.db.audit import Note
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.operator import Connections, fetch_rows
from gtr_jobs.domain.switches import Lever, SwitchRow


@dataclass(frozen=True, slots=True)
class Lease:
    """Tokens of a shared rate.

    Args:
        granted: How many.
        starts_in: Seconds until the first may be used; until it is worth asking again where there is none.
        per_second: The rate; None where nobody limits it.
    """

    granted: int
    starts_in: float
    per_second: float | None


class SwitchReader:
    """What a worker may do with switches."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read(self) -> list[SwitchRow]:
        """Read what is switched now."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select lever, scope, name, key_argument, amount, queue from gtr_jobs.read_switches()"
            )
            return [SwitchRow(*row) for row in await cursor.fetchall()]

    async def lease_tokens(
        self,
        scope: str,
        name: str,
        wanted: int,
        default: float | None = None,
        grow_seconds: float = 0.0,
    ) -> Lease:
        """Lease some tokens of a shared rate; see `sql/worker/lease_tokens.sql`."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select granted, starts_in, per_second"
                " from gtr_jobs.lease_tokens_of(%s, %s, %s, %s, %s)",
                [scope, name, wanted, default, grow_seconds],
            )
            (row,) = await cursor.fetchall()
        return Lease(*row)


@dataclass(frozen=True, slots=True)
class SwitchKey:
    """Which switch: `key_argument` is the argument whose values a limit is for, else empty."""

    lever: Lever
    scope: str
    name: str
    key_argument: str = ""


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """A switch, who set it and why; `jobs` counts what a pause has set aside, up to 10,000."""

    lever: str
    scope: str
    name: str
    key_argument: str
    amount: Decimal | None
    reason: str
    set_by: str
    set_at: datetime
    expires_at: datetime | None
    jobs: int | None


class SwitchTable:
    """What operators do with switches; each act writes its row of the audit."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_all(self) -> list[SetSwitch]:
        """List what is switched now."""
        rows = await fetch_rows(
            self._connections,
            "select lever, scope, name, key_argument, amount, reason, set_by, set_at, expires_at,"
            " jobs from gtr_jobs.list_switches()",
        )
        return [SetSwitch(*row) for row in rows]

    async def set_one(
        self, key: SwitchKey, amount: Decimal | None, seconds: float | None, note: Note
    ) -> datetime | None:
        """Set a switch; give the moment at which it expires."""
        ((expires_at,),) = await fetch_rows(
            self._connections,
            "select gtr_jobs.set_switch(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            key.lever,
            key.scope,
            key.name,
            key.key_argument,
            amount,
            seconds,
            *note.parameters(),
        )
        return expires_at if isinstance(expires_at, datetime) else None

    async def clear_one(self, key: SwitchKey, note: Note) -> bool:
        """Take a switch away; False where it was not set."""
        ((was_set,),) = await fetch_rows(
            self._connections,
            "select gtr_jobs.clear_switch(%s, %s, %s, %s, %s, %s, %s, %s)",
            key.lever,
            key.scope,
            key.name,
            key.key_argument,
            *note.parameters(),
        )
        return bool(was_set)
