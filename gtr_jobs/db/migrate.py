"""Bring a database to what a plan says: resumable, idempotent, one migrator at a time."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from gtr_jobs.db.compatibility import (
    describe_newer_database,
    describe_other_apps,
    is_newer,
    refuse_changed_steps,
    refuse_newer_database,
)
from gtr_jobs.db.faults import explain_failed_statement
from gtr_jobs.db.installed import (
    FileRecord,
    Installed,
    missing_indexes,
    missing_tables,
    read_installed,
    read_triggers,
)
from gtr_jobs.db.live_indexes import make_large_indexes
from gtr_jobs.db.plan import Plan, Step, component_of
from gtr_jobs.db.sqlfiles import Index, SqlFile, Trigger
from gtr_jobs.db.statements import (
    drop_leftovers_statement,
    forget_file_statement,
    install_text,
    record_file_statement,
    record_step_statement,
)
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError

Report = Callable[[str], None]

# While a statement of ours waits for a table, whoever comes after it waits behind it, claims and the
# app's own writes too. So it waits a moment only, and comes again many times: a transaction that is
# left open for half a minute costs others nothing.
LOCK_TIMEOUT = "100ms"
LOCK_ATTEMPTS = 40
LONGEST_PAUSE_SECONDS = 1.0
LOCK_WAIT_SECONDS = 30.0

# What steps say for those who run them as files (`db sql`), where nobody comes again.
_STEPS_LOCK_TIMEOUT = re.compile(r"^set lock_timeout = '[^']*';$", re.MULTILINE)
_ADVISORY_KEY = 0x6774725F6A6F6273  # "gtr_jobs"
_API_ROLES = ("anon", "authenticated", "service_role")


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
    with _only_migrator(connection, report):
        installed = read_installed(connection)
        refuse_newer_database(plan, installed)
        refuse_changed_steps(plan, installed)
        _refuse_identity_change(installed, identity)
        for warning in describe_newer_database(plan, installed):
            report(f"{warning}: what it has of a newer gtr-jobs stays as it is")
        for warning in describe_other_apps(plan, installed):
            report(f"{warning}: what is of it stays as it is")
        steps = plan.pending_steps(installed.steps.keys())
        for step in steps:
            report(f"applying {step}")
            _apply_step(connection, step)
        _record_identity(connection, identity, report)
        if steps:
            installed = read_installed(connection)
        files, left_out = _install_files(connection, plan, installed, report)
        removed = _remove_gone_files(connection, plan, installed, report)
        if steps or files or removed:
            # PostgREST keeps the schema in memory, and listens for this.
            connection.execute("notify pgrst, 'reload schema'")
    return Migrated(tuple(str(step) for step in steps), files, removed, left_out)


def _require_api_roles(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "select r from unnest(%s::text[]) as r where not exists"
        " (select from pg_catalog.pg_roles where rolname = r) order by r",
        [list(_API_ROLES)],
    ).fetchall()
    if rows:
        missing = ", ".join(role for (role,) in rows)
        raise ConfigurationError(
            f"the server does not have the roles of a Supabase project ({missing})",
            "point GTR_ADMIN_DATABASE_URL at one, or see it work on this machine with `make demo`",
        )


@contextmanager
def _only_migrator(connection: psycopg.Connection, report: Report) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    is_told = False
    while not _fetch_bool(connection, "select pg_try_advisory_lock(%s)", _ADVISORY_KEY):
        if time.monotonic() > deadline:
            raise TryAgainError(
                "another migration is running on this database",
                "run the command again when it ended",
            )
        if not is_told:
            report("waiting for another migration to end")
            is_told = True
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
    text = _STEPS_LOCK_TIMEOUT.sub("", step.sql)
    _run(connection, str(step), sql.SQL(text), record_step_statement(step))


def _install_files(
    connection: psycopg.Connection, plan: Plan, installed: Installed, report: Report
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    missing = missing_tables(connection, plan.files)
    # A table that was made anew has lost its trigger and its indexes, whatever the books say.
    lost: set[Trigger | Index | None] = {
        status.trigger for status in read_triggers(connection, plan) if status.is_missing
    }
    lost.update(missing_indexes(connection, plan.files))
    left_out: dict[str, tuple[str, ...]] = {}
    done = []
    for file in plan.files:
        lacking = tuple(table for table in file.tables if table in missing)
        if lacking:
            left_out[file.path] = lacking
            continue
        has_lost = file.trigger in lost or not lost.isdisjoint(file.indexes)
        if not _is_due(plan, file, installed.files.get(file.path), has_lost=has_lost):
            continue
        make_large_indexes(connection, file, lost, report)
        report(f"installing {file.path}")
        _install_file(connection, plan, file)
        done.append(file.path)
    return tuple(done), left_out


def _is_due(plan: Plan, file: SqlFile, record: FileRecord | None, *, has_lost: bool) -> bool:
    if record is None:
        return True
    if record.sha256 == file.sha256:
        return has_lost
    # What a newer package installed is not ours to put back.
    return not is_newer(plan, record)


def _install_file(connection: psycopg.Connection, plan: Plan, file: SqlFile) -> None:
    _run(
        connection,
        file.path,
        sql.SQL(install_text(file)),
        drop_leftovers_statement(plan, file.path),
        record_file_statement(plan, file),
    )


def _remove_gone_files(
    connection: psycopg.Connection, plan: Plan, installed: Installed, report: Report
) -> tuple[str, ...]:
    known = {file.path for file in plan.files}
    # A newer package installed what we do not know, or another app: that is not ours to take away.
    gone = [
        record.path
        for record in installed.files.values()
        if record.path not in known
        and plan.version_of(component_of(record.path)) is not None
        and not is_newer(plan, record)
    ]
    for path in gone:
        report(f"removing {path}")
        _run(connection, path, drop_leftovers_statement(plan, path), forget_file_statement(path))
    return tuple(gone)


def _run(connection: psycopg.Connection, what: str, *statements: sql.SQL | sql.Composed) -> None:
    def work() -> None:
        connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        for statement in statements:
            connection.execute(statement)

    _with_locks(connection, what, work)


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
            # Where every attempt came at the same beat, so might what is in its way.
            longest = min(LONGEST_PAUSE_SECONDS, 0.1 * attempt)
            time.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311  (scatter, not secrecy)
        except psycopg.Error as error:
            raise explain_failed_statement(what, error) from error
        else:
            return


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


def _record_identity(connection: psycopg.Connection, identity: Identity, report: Report) -> None:
    changed = connection.execute(
        "update gtr_jobs.installation"
        " set project = coalesce(%(project)s, project),"
        " environment = coalesce(%(environment)s, environment)"
        " where project is distinct from coalesce(%(project)s, project)"
        " or environment is distinct from coalesce(%(environment)s, environment)"
        " returning project, environment",
        {"project": identity.project, "environment": identity.environment},
    ).fetchone()
    if changed is not None:
        project, environment = (name or "not named" for name in changed)
        report(f"recording the project ({project}) and the environment ({environment})")
