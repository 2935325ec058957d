"""What a worker says of pushes that were taken, by gtr_jobs.ack_accepted_pushes()."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import AsyncConnection
from support.jobs import Claimed, fetch_rows

ACK_ACCEPTED = """
    select gtr_jobs.ack_accepted_pushes(
        %s, %s::bigint[], %s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::boolean[]
    )
"""


@dataclass(frozen=True)
class Push:
    """What a worker says of a push that was taken."""

    job: Claimed
    dedupe_key: UUID
    user_id: UUID | None = None
    device_id: UUID | None = None
    provider: str = "fcm"
    provider_id: str = "a-1"
    resent: bool = False


def parameters_of(worker_id: int | None, pushes: Sequence[Push]) -> list[object]:
    """Write the parameters of the statement."""
    names = ("dedupe_key", "user_id", "device_id", "provider", "provider_id", "resent")
    return [
        worker_id,
        [push.job.job_id for push in pushes],
        [push.job.claim_number for push in pushes],
        *([getattr(push, name) for push in pushes] for name in names),
    ]


async def ack_accepted(
    connection: AsyncConnection, worker_id: int | None, *pushes: Push
) -> list[int]:
    """Say that pushes were taken; return the jobs that were still this worker's."""
    rows = await fetch_rows(connection, ACK_ACCEPTED, *parameters_of(worker_id, pushes))
    return sorted(int(row[0]) for row in rows)
