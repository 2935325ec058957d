"""What is known of a scene when it is over, from every side, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import psycopg
from chaos.crew import Ending
from chaos.writer import Fate, Writer
from psycopg.rows import class_row

from gtr_jobs.dev.standins import ProviderStandIns, show
from gtr_jobs.domain.delivery import make_dedupe_key

KIND = "message"
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Row:
    """One row that the app wrote, and whom it must reach.

    Args:
        row_id: The message.
        trace_id: Stands in all that came of it.
        content: What the phone shows.
        fate: What the app was told when it committed.
        deliveries: The name of the delivery to each device, by the device's token.
        done_at: Monotonic time at which the app was told.
    """

    row_id: UUID
    trace_id: str
    content: str
    fate: Fate
    deliveries: dict[str, UUID]
    done_at: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job that is still in the queue."""

    job_id: int
    trace_id: str
    status: str
    worker_id: int | None


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job on the list of the dead, and how many of its claims nobody knows the end of."""

    job_id: int
    trace_id: str
    code: str
    lost_claims: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A delivery, as our own ledger has it."""

    dedupe_key: UUID
    trace_id: str
    state: str
    resent_after_unknown: bool
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a provider took.

    Args:
        token: For which device.
        content: What it says.
        at: Monotonic time, in seconds.
    """

    token: str
    content: str
    at: float = 0.0


@dataclass(slots=True)
class Books:
    """All that a scene left behind.

    Args:
        rows: What the app wrote.
        present: Which of the rows are in the database.
        ended: How often the history says that the job of a trace ended, by trace.
        open_jobs: What is still in the queue.
        dead_jobs: What is on the list of the dead.
        unqueued: Traces of rows that the trigger could not enqueue, and said so: in its table, or by a warning.
        ledger: Our deliveries.
        accepted: The providers' own ledger.
        endings: How each worker ended.
        lines: What can be read by outsiders: logs, metrics and job arguments, with where it stands.
        secrets: What must stand nowhere among them.
        in_flight: What the workers that were drained said they still held.
        longest_ownerless: The longest time that a job was `doing` without a live owner, in seconds.
    """

    rows: list[Row] = field(default_factory=list)
    present: set[UUID] = field(default_factory=set)
    ended: dict[str, int] = field(default_factory=dict)
    open_jobs: list[OpenJob] = field(default_factory=list)
    dead_jobs: list[DeadJob] = field(default_factory=list)
    unqueued: set[str] = field(default_factory=set)
    ledger: list[LedgerEntry] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    in_flight: float = 0.0
    longest_ownerless: float = 0.0


async def read_books(
    superuser_dsn: str,
    writer: Writer,
    providers: ProviderStandIns,
    secrets: Iterable[str],
) -> Books:
    """Read what the app, the providers and the database know; the workers' side is added by the scene."""
    books = Books(
        rows=[
            Row(
                row.row_id,
                row.trace_id,
                row.content,
                row.fate,
                {
                    token: make_dedupe_key(KIND, row.row_id, device_id)
                    for token, device_id in row.member.devices.items()
                },
                row.done_at,
            )
            for row in writer.rows
        ],
        accepted=[
            Accepted(entry.token, show(entry).body, entry.arrived_at_monotonic / 1e9)
            for entry in providers.ledger.entries()
        ],
        unqueued={row.trace_id for row in writer.rows if row.was_warned},
        secrets=list(secrets),
    )
    async with await psycopg.AsyncConnection.connect(superuser_dsn, autocommit=True) as connection:
        await _read_database(connection, books)
    return books


async def _read_records(
    connection: psycopg.AsyncConnection, kind: type[Record], query: str
) -> list[Record]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query.encode())
        return await cursor.fetchall()


async def _read_database(connection: psycopg.AsyncConnection, books: Books) -> None:
    async def values(query: str) -> list[tuple[object, ...]]:
        cursor = await connection.execute(query.encode())
        return await cursor.fetchall()

    books.present = {UUID(str(row[0])) for row in await values("select id from public.messages")}
    ended: defaultdict[str, int] = defaultdict(int)
    for (trace_id,) in await values("select trace_id from gtr_jobs.job_history"):
        ended[str(trace_id)] += 1
    books.ended = dict(ended)
    books.open_jobs = await _read_records(
        connection, OpenJob, "select job_id, trace_id, status::text, worker_id from gtr_jobs.jobs"
    )
    books.dead_jobs = await _read_records(
        connection, DeadJob, "select job_id, trace_id, code, lost_claims from gtr_jobs.dead_jobs"
    )
    books.unqueued = {
        str(row[0]) for row in await values("select trace_id from gtr_jobs.enqueue_errors")
    } | books.unqueued
    books.ledger = await _read_records(
        connection,
        LedgerEntry,
        "select dedupe_key, trace_id, state::text, resent_after_unknown, attempts"
        " from gtr_jobs.deliveries",
    )
    for place, query in (
        ("a job's arguments", "select args::text from gtr_jobs.jobs"),
        ("a dead job", "select args::text || error from gtr_jobs.dead_jobs"),
        ("an enqueue error", "select message || context from gtr_jobs.enqueue_errors"),
    ):
        books.lines += [(place, str(row[0])) for row in await values(query)]
