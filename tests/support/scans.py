"""Which tables and indexes a statement reads, and how many rows of each.

PostgreSQL counts them for every transaction by itself, inside functions too: no plan is printed and
none needs to be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import AsyncConnection

_COUNTED = """
    select
        n.nspname || '.' || c.relname,
        c.relkind::text,
        pg_catalog.pg_stat_get_xact_numscans(c.oid),
        pg_catalog.pg_stat_get_xact_tuples_returned(c.oid)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('gtr_jobs', 'procrastinate', 'public') and c.relkind in ('r', 'i')
"""


@dataclass(frozen=True, slots=True)
class Reads:
    """What a statement read.

    Args:
        tables: Rows that scans of whole tables went through, by table.
        indexes: Entries that were read of indexes, by index.
    """

    tables: dict[str, int]
    indexes: dict[str, int]


async def reads_of(connection: AsyncConnection, statement: str, *parameters: object) -> Reads:
    """Run a statement, take it back, and say what it read; the connection is postgres' own."""
    async with connection.transaction(force_rollback=True):
        before = await _count(connection)
        await connection.execute(statement.encode(), parameters)
        after = await _count(connection)
    reads = Reads({}, {})
    for name, (kind, scans, rows) in after.items():
        _, scans_before, rows_before = before.get(name, (kind, 0, 0))
        if scans > scans_before:
            (reads.indexes if kind == "i" else reads.tables)[name] = rows - rows_before
    return reads


async def _count(connection: AsyncConnection) -> dict[str, tuple[str, int, int]]:
    cursor = await connection.execute(_COUNTED)
    return {name: (kind, scans, rows) for name, kind, scans, rows in await cursor.fetchall()}
