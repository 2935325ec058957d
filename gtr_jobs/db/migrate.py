"""Bring a database to what a plan says: resumable, idempotent, one migrator at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from gtr_jobs.db.compatibility import refuse_changed_steps, refuse_newer_database
from gtr_jobs.db.installed import Installed, missing_tables, read_installed, read_triggers
from gtr_jobs.db.plan import OURS, Plan, Step
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError

Report = Callable[[str], None]

LOCK_ATTEMPTS = 5
LOCK_WAIT_SECONDS = 30.0

_ADVISORY_KEY = 0x6774725F6A6F6273  # "gtr_jobs"
_API_ROLES = ("anon", "authenticated", "service_role")

RECORD_STEP = """
insert into gtr_jobs.schema_migrations (component, version, name, sha256, oldest_worker)
values ({component}, {version}, {name}, {sha256}, {oldest_worker})
"""
RECORD_FILE = """
insert into gtr_jobs.installed_files (path, sha256, undo, installed_by)
values ({path}, {sha256}, {undo}::text[], {installed_by})
on conflict (path) do update
    set
        sha256 = excluded.sha256,
        undo = excluded.undo,
        installed_by = excluded.installed_by,
        installed_at = now()
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which project and environment a database is told to be; None leaves what it says.

    Args:
        project: Name of the project.
        environment: Such as production or staging.
        may_change: Another name than the recorded one is meant, not a mistake.
    """

    project: str | None = None
    environment: str | None = None
    may_change: bool = False


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did.

    Args:
        steps: Durable steps applied.
        files: Re-runnable files installed.
        removed: Files whose objects were taken away, because the package has them no more.
        left_out: Files that were not installed, each with the tables that the app lacks.
    """

    steps: tuple[str, ...]
    files: tuple[str, ...]
    removed: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]]


def migrate(
    connection: psycopg.Connection, plan: Plan, identity: Identity, report: Report
) -> Migrated:
    """Apply what is missing, install what changed, take away what is gone.

    Each step and each file is a transaction of its own together with its record: an interrupted
    migration goes on where it was. Waits for locks shortly and tries again, so that the app's
    statements never queue behind it for long.

    Raises:
        ConfigurationError: This package is too old for the database, or the database is not Supabase's.
        TryAgainError: Another migration runs, or a lock was not to be had.
    """
    _require_api_roles(connection)
    with _only_migrator(connection):
        installed = read_installed(connection)
        refuse_newer_database(plan, installed)
        refuse_changed_steps(plan, installed)
        _refuse_identity_change(installed, identity)
        steps = plan.pending_steps(installed.steps.keys())
        for step in steps:
            report(f"applying {step}")
            _apply_step(connection, step)
        _record_identity(connection, identity)
        # The engine's own migrations undo what our engine files did to its functions.
        redo_engine = any(step.component != OURS for step in steps)
        files, left_out = _install_files(connection, plan, installed, report, redo_engine)
        removed = _remove_gone_files(connection, plan, installed, report)
        if steps or files or removed:
            # PostgREST keeps the schema in memory, and listens for this.
            connection.execute("notify pgrst, 'reload schema'")
    return Migrated(tuple(str(step) for step in steps), files, removed, left_out)


def _require_api_roles(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "select r from unnest(%s::text[]) as r where not exists"
        " (select from pg_catalog.pg_roles where rolname = r)",
        [list(_API_ROLES)],
    ).fetchall()
    if rows:
        missing = ", ".join(role for (role,) in rows)
        raise ConfigurationError(
            f"the server has no role {missing}: it is not a Supabase project's",
            "point GTR_ADMIN_DATABASE_URL at one, or see it work on this machine with `make demo`",
        )


@contextmanager
def _only_migrator(connection: psycopg.Connection) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not _fetch_bool(connection, "select pg_try_advisory_lock(%s)", _ADVISORY_KEY):
        if time.monotonic() > deadline:
            raise TryAgainError(
                "another migration is running on this database",
                "run the command again when it ended",
            )
        time.sleep(0.2)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("reset lock_timeout")
            connection.execute("select pg_advisory_unlock(%s)", [_ADVISORY_KEY])


def _fetch_bool(connection: psycopg.Connection, query: str, *parameters: object) -> bool:
    row = connection.execute(query, parameters).fetchone()
    return row is not None and bool(row[0])


def _apply_step(connection: psycopg.Connection, step: Step) -> None:
    record = record_step_statement(step)

    def apply() -> None:
        connection.execute(step.sql)
        connection.execute(record)

    _with_locks(connection, str(step), apply)


def _install_files(
    connection: psycopg.Connection,
    plan: Plan,
    installed: Installed,
    report: Report,
    redo_engine: bool,
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    missing = missing_tables(connection, plan.files)
    # A table that was made anew has lost its trigger, whatever the books say.
    detached = {status.trigger for status in read_triggers(connection, plan) if status.is_missing}
    left_out: dict[str, tuple[str, ...]] = {}
    done = []
    for file in plan.files:
        lacking = tuple(table for table in file.tables if table in missing)
        if lacking:
            left_out[file.path] = lacking
            continue
        record = installed.files.get(file.path)
        is_current = (
            record is not None and record.sha256 == file.sha256 and file.trigger not in detached
        )
        if is_current and not (redo_engine and file.path.startswith("engine/")):
            continue
        report(f"installing {file.path}")
        _install_file(connection, plan, file)
        done.append(file.path)
    return tuple(done), left_out


def _install_file(connection: psycopg.Connection, plan: Plan, file: SqlFile) -> None:
    record = record_file_statement(plan, file)

    def install() -> None:
        connection.execute("set local lock_timeout = '3s'")
        connection.execute(sql.SQL(file.sql))
        connection.execute(record)

    _with_locks(connection, file.path, install)


def _remove_gone_files(
    connection: psycopg.Connection, plan: Plan, installed: Installed, report: Report
) -> tuple[str, ...]:
    known = {file.path for file in plan.files}
    # A newer package installed what we do not know: that is not ours to take away.
    gone = [
        record.path
        for record in installed.files.values()
        if record.path not in known and record.installed_by <= plan.version
    ]
    for path in gone:
        report(f"removing {path}")
        row = connection.execute(
            "select undo from gtr_jobs.installed_files where path = %s", [path]
        ).fetchone()
        _remove_file(connection, path, row[0] if row else [])
    return tuple(gone)


def _remove_file(connection: psycopg.Connection, path: str, undo: list[str]) -> None:
    def remove() -> None:
        connection.execute("set local lock_timeout = '3s'")
        for statement in undo:
            connection.execute(sql.SQL(statement))
        connection.execute("delete from gtr_jobs.installed_files where path = %s", [path])

    _with_locks(connection, path, remove)


def _with_locks(connection: psycopg.Connection, what: str, work: Callable[[], None]) -> None:
    """Do work in one transaction; where a lock is not to be had, let the app go first and try again."""
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection.transaction():
                work()
        except psycopg.errors.LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise TryAgainError(
                    f"{what}: a table stayed locked by the app for {LOCK_ATTEMPTS} attempts",
                    "nothing is half done; run the command again in a quieter minute",
                ) from None
            time.sleep(0.5 * attempt)
        except psycopg.Error as error:
            raise _explain(what, error) from error
        else:
            return


def _explain(what: str, error: psycopg.Error) -> ConfigurationError | TryAgainError:
    message = error.diag.message_primary or type(error).__name__
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return ConfigurationError(
            f"{what}: {message}",
            "connect as the project's role `postgres` (GTR_ADMIN_DATABASE_URL)",
        )
    if isinstance(error, psycopg.OperationalError):
        return TryAgainError(f"{what}: {message}", "nothing is half done; run the command again")
    return ConfigurationError(f"{what}: {message}", "nothing is half done")


def _refuse_identity_change(installed: Installed, identity: Identity) -> None:
    for name, wanted, recorded in (
        ("project", identity.project, installed.project),
        ("environment", identity.environment, installed.environment),
    ):
        if wanted and recorded and wanted != recorded and not identity.may_change:
            raise ConfigurationError(
                f"this database says that its {name} is {recorded!r}, not {wanted!r}",
                f"correct GTR_{name.upper()}, or say --change-identity if it is a copy of its own now",
            )


def _record_identity(connection: psycopg.Connection, identity: Identity) -> None:
    connection.execute(
        "update gtr_jobs.installation set project = coalesce(%s, project),"
        " environment = coalesce(%s, environment) where only_row",
        [identity.project, identity.environment],
    )


def record_step_statement(step: Step) -> sql.Composed:
    """Write the statement that records a step."""
    return sql.SQL(RECORD_STEP).format(
        component=step.component,
        version=step.version,
        name=step.name,
        sha256=step.sha256,
        oldest_worker=str(step.oldest_worker),
    )


def record_file_statement(plan: Plan, file: SqlFile) -> sql.Composed:
    """Write the statement that records a file as installed."""
    return sql.SQL(RECORD_FILE).format(
        path=file.path,
        sha256=file.sha256,
        undo=list(file.undo),
        installed_by=str(plan.version),
    )
