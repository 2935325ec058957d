"""What a database says is installed in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from gtr_jobs.db.plan import Plan
from gtr_jobs.db.sqlfiles import Index, SqlFile, Trigger
from gtr_jobs.db.statements import INDEX_DEFINITION
from gtr_jobs.domain.version import Version


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One durable step, as it was applied."""

    component: str
    version: str
    name: str
    sha256: str
    oldest_worker: Version

    def __str__(self) -> str:
        return f"{self.component} {self.version} {self.name}"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One re-runnable file, as it was installed."""

    path: str
    sha256: str
    installed_by: Version


@dataclass(frozen=True, slots=True)
class Installed:
    """What a database holds of ours; empty where nothing was installed.

    Args:
        steps: Durable steps by component and version.
        files: Re-runnable files by path.
        project: The project that the database says it is, if it says.
        environment: The environment that it says it is, if it says.
    """

    steps: Mapping[tuple[str, str], StepRecord] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    project: str | None = None
    environment: str | None = None

    def newest_version(self, component: str) -> str | None:
        """Give the newest version of one component that was applied; None where there is none."""
        return max((version for name, version in self.steps if name == component), default=None)


# The administrator reads the tables; the worker has no right to them, and asks the functions.
_TABLES = {
    "steps": "select component, version, name, sha256, oldest_worker"
    " from gtr_jobs.schema_migrations order by applied_at",
    # Taken away in the opposite order: what stands on others goes first.
    "files": "select path, sha256, installed_by from gtr_jobs.installed_files"
    " order by installed_at desc, path desc",
    "installation": "select project, environment from gtr_jobs.installation",
}
_FUNCTIONS = {
    "steps": "select * from gtr_jobs.read_schema_migrations()",
    "files": "select * from gtr_jobs.read_installed_files()",
    "installation": "select * from gtr_jobs.read_installation()",
}


def read_installed(connection: psycopg.Connection) -> Installed:
    """Read the books of an installation as its administrator."""
    found = connection.execute(
        "select 1 from pg_catalog.pg_class as c"
        " join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = 'gtr_jobs' and c.relname = 'schema_migrations'"
    ).fetchone()
    if found is None:
        return Installed()
    rows = {name: connection.execute(query).fetchall() for name, query in _TABLES.items()}
    return _installed(rows)


async def read_installed_as_worker(connection: psycopg.AsyncConnection) -> Installed:
    """Read the books of an installation with a worker's rights.

    Nothing readable counts as nothing installed: the worker says so and names the command.
    """
    try:
        rows = {
            name: await (await connection.execute(query)).fetchall()
            for name, query in _FUNCTIONS.items()
        }
    except (
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InsufficientPrivilege,
    ):
        return Installed()
    return _installed(rows)


def _installed(rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> Installed:
    ((project, environment),) = rows["installation"]
    return Installed(
        steps={
            (component, version): StepRecord(
                component, version, name, sha256, Version.parse(oldest_worker)
            )
            for component, version, name, sha256, oldest_worker in rows["steps"]
        },
        files={
            path: FileRecord(path, sha256, Version.parse(installed_by))
            for path, sha256, installed_by in rows["files"]
        },
        project=project,
        environment=environment,
    )


@dataclass(frozen=True, slots=True)
class TriggerStatus:
    """Whether a trigger of ours is where it should be.

    Args:
        trigger: What the package's files expect.
        table_exists: The app has the table, and those without which the trigger is left out.
        attached: The trigger is on it and enabled.
    """

    trigger: Trigger
    table_exists: bool
    attached: bool

    @property
    def is_missing(self) -> bool:
        """The table is there and our trigger is not: its rows cause nothing."""
        return self.table_exists and not self.attached


# Asks the catalogue itself, which everybody may read: to_regclass() would ask for rights on schemas.
TRIGGER_QUERY = """
    select
        wanted.ordinal,
        c.oid is not null and not exists (
            select from pg_catalog.string_to_table(wanted.needs, ' ') as needed (name)
            where not exists (
                select from pg_catalog.pg_class as there
                join pg_catalog.pg_namespace as place on place.oid = there.relnamespace
                where place.nspname || '.' || there.relname = needed.name
            )
        ),
        t.oid is not null
    from unnest(%s::text[], %s::text[], %s::text[], %s::text[])
        with ordinality as wanted (schema_name, table_name, trigger_name, needs, ordinal)
    left join pg_catalog.pg_namespace as n on n.nspname = wanted.schema_name
    left join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = wanted.table_name
    left join pg_catalog.pg_trigger as t
        on t.tgrelid = c.oid and t.tgname = wanted.trigger_name and t.tgenabled in ('O', 'A')
    order by wanted.ordinal
"""


def expected_triggers(plan: Plan) -> tuple[Trigger, ...]:
    """List the triggers that the plan's files attach."""
    return tuple(file.trigger for file in plan.files if file.trigger is not None)


def trigger_parameters(triggers: Iterable[Trigger]) -> list[list[str]]:
    """Give the parameters of TRIGGER_QUERY for these triggers."""
    rows = [(*one.table.split("."), one.name, " ".join(one.needs)) for one in triggers]
    return [[row[place] for row in rows] for place in range(4)]


def judge_triggers(
    triggers: Iterable[Trigger], rows: Iterable[tuple[Any, ...]]
) -> tuple[TriggerStatus, ...]:
    """Put the answer to TRIGGER_QUERY beside the triggers that it was asked for."""
    return tuple(
        TriggerStatus(trigger, table_exists, attached)
        for trigger, (_, table_exists, attached) in zip(triggers, rows, strict=True)
    )


def read_triggers(connection: psycopg.Connection, plan: Plan) -> tuple[TriggerStatus, ...]:
    """Compare the triggers that should be attached with those that are."""
    triggers = expected_triggers(plan)
    rows = connection.execute(TRIGGER_QUERY, trigger_parameters(triggers)).fetchall()
    return judge_triggers(triggers, rows)


_INDEX_QUERY = sql.SQL(
    """
    select
        wanted.ordinal,
        c.oid is not null and not exists (
            select from pg_catalog.pg_index as i
            join pg_catalog.pg_class as x on x.oid = i.indexrelid
            where
                i.indrelid = c.oid
                and i.indisvalid
                -- Where a column has another type than ours, the server writes the same index otherwise.
                and (x.relname = wanted.index_name or {definition} = wanted.definition)
        )
    from unnest(%s::text[], %s::text[], %s::text[], %s::text[])
        with ordinality as wanted (schema_name, table_name, index_name, definition, ordinal)
    left join pg_catalog.pg_namespace as n on n.nspname = wanted.schema_name
    left join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = wanted.table_name
    order by wanted.ordinal
    """
).format(definition=sql.SQL(INDEX_DEFINITION.format(index="i.indexrelid")))


def missing_indexes(connection: psycopg.Connection, files: Iterable[SqlFile]) -> tuple[Index, ...]:
    """List the indexes that files make and the app's tables lack; those of files that are left out do not count."""
    files = tuple(files)
    lacking = missing_tables(connection, files)
    indexes = [index for file in files if lacking.isdisjoint(file.tables) for index in file.indexes]
    named = [(*index.table.split("."), index.name, index.definition) for index in indexes]
    parameters = [[name[place] for name in named] for place in range(4)]
    rows = connection.execute(_INDEX_QUERY, parameters).fetchall()
    return tuple(index for index, (_, is_missing) in zip(indexes, rows, strict=True) if is_missing)


def missing_tables(connection: psycopg.Connection, files: Iterable[SqlFile]) -> frozenset[str]:
    """List the tables that files ask for and the app does not have."""
    wanted = sorted({table for file in files for table in file.tables})
    rows = connection.execute(
        "select t from unnest(%s::text[]) as t where pg_catalog.to_regclass(t) is null", [wanted]
    ).fetchall()
    return frozenset(table for (table,) in rows)
