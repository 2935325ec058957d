"""How a database compares with what this version of the package installs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from gtr_jobs.db.compatibility import is_newer, refuse_changed_steps, refuse_newer_database
from gtr_jobs.db.connect import Database
from gtr_jobs.db.installed import (
    FileRecord,
    Installed,
    TriggerStatus,
    missing_indexes,
    missing_tables,
    read_installed,
    read_triggers,
)
from gtr_jobs.db.plan import OURS, Plan, component_of
from gtr_jobs.db.sqlfiles import Index
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.lineage import explain_reasons
from gtr_jobs.domain.version import Version

_OTHER_APP = "of an app that GTR_APP does not name"


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One thing that is installed, or should be.

    Args:
        what: A step, a file or a trigger.
        state: In a word or two.
        is_fine: Nothing needs to be done.
    """

    what: str
    state: str
    is_fine: bool


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """A database beside a plan.

    Args:
        place: Where the database is.
        version: The package's version.
        project: What project the database says it is, if it says.
        environment: What environment it says it is, if it says.
        paused: Why sending is paused; empty where it is not, or where no worker has looked yet.
        lines: Everything that is installed, or should be.
        refusal: Why a migration would be refused, and what to do; None where it would not.
    """

    place: str
    version: Version
    project: str | None
    environment: str | None
    paused: str
    lines: tuple[StatusLine, ...]
    refusal: str | None

    @property
    def is_up_to_date(self) -> bool:
        """Whether a migration would do nothing."""
        return self.refusal is None and all(line.is_fine for line in self.lines)


def read_status(connection: psycopg.Connection, database: Database, plan: Plan) -> DatabaseStatus:
    """Compare everything that the plan has with what the database says it has."""
    installed = read_installed(connection)
    missing = missing_tables(connection, plan.files)
    wanted = [file for file in plan.files if missing.isdisjoint(file.tables)]
    lines = (
        *_step_lines(plan, installed),
        *_file_lines(plan, installed, missing),
        *_trigger_lines(read_triggers(connection, plan)),
        *_index_lines(missing_indexes(connection, wanted)),
    )
    return DatabaseStatus(
        place=database.describe(),
        version=plan.version,
        project=installed.project,
        environment=installed.environment,
        paused=_read_pause(connection),
        lines=lines,
        refusal=_find_refusal(plan, installed),
    )


def _read_pause(connection: psycopg.Connection) -> str:
    with connection.cursor() as cursor:
        # As old as the installation may be: asked for what is there.
        cursor.execute("select to_regclass('gtr_jobs.lineage')")
        if cursor.fetchone() == (None,):
            return ""
        cursor.execute("select reasons from gtr_jobs.lineage where paused_since is not null")
        row = cursor.fetchone()
    return explain_reasons(row[0]) if row is not None else ""


def _find_refusal(plan: Plan, installed: Installed) -> str | None:
    try:
        refuse_newer_database(plan, installed)
        refuse_changed_steps(plan, installed)
    except ConfigurationError as error:
        return str(error)
    return None


def _step_lines(plan: Plan, installed: Installed) -> Iterator[StatusLine]:
    changed = {
        step.key
        for step in plan.steps
        if (record := installed.steps.get(step.key)) is not None
        and plan.is_changed(step, record.name, record.sha256)
    }
    for key, record in installed.steps.items():
        if key in changed:
            yield StatusLine(str(record), "changed after it was applied", is_fine=False)
        elif plan.version_of(record.component) is None:
            yield StatusLine(str(record), _OTHER_APP, is_fine=True)
        elif plan.is_ahead(*key):
            is_app = plan.app is not None and plan.app.name == record.component
            name = record.component if is_app else "gtr-jobs"
            yield StatusLine(str(record), f"of a newer {name}", is_fine=True)
        else:
            yield StatusLine(str(record), "applied", is_fine=True)
    for step in plan.pending_steps(installed.steps.keys()):
        yield StatusLine(str(step), "pending", is_fine=False)


def _file_lines(plan: Plan, installed: Installed, missing: frozenset[str]) -> Iterator[StatusLine]:
    for file in plan.files:
        record = installed.files.get(file.path)
        lacking = [table for table in file.tables if table in missing]
        if lacking:
            yield StatusLine(file.path, f"left out: no table {', '.join(lacking)}", is_fine=True)
        elif record is None:
            yield StatusLine(file.path, "pending", is_fine=False)
        elif record.sha256 == file.sha256:
            yield StatusLine(file.path, "installed", is_fine=True)
        elif is_newer(plan, record):
            yield StatusLine(file.path, _of_version(record), is_fine=True)
        else:
            yield StatusLine(file.path, "differs", is_fine=False)
    known = {file.path for file in plan.files}
    for record in installed.files.values():
        if record.path in known:
            continue
        if plan.version_of(component_of(record.path)) is None:
            yield StatusLine(record.path, _OTHER_APP, is_fine=True)
        elif is_newer(plan, record):
            yield StatusLine(record.path, _of_version(record), is_fine=True)
        else:
            yield StatusLine(record.path, "to be removed", is_fine=False)


def _of_version(record: FileRecord) -> str:
    component = component_of(record.path)
    return f"of {'gtr-jobs' if component == OURS else component} {record.installed_by}"


def _trigger_lines(triggers: tuple[TriggerStatus, ...]) -> Iterator[StatusLine]:
    for status in triggers:
        if status.table_exists:
            yield StatusLine(
                f"trigger on {status.trigger.table}",
                "attached" if status.attached else "missing or disabled",
                is_fine=status.attached,
            )


def _index_lines(indexes: tuple[Index, ...]) -> Iterator[StatusLine]:
    for index in indexes:
        yield StatusLine(f"index {index.name} on {index.table}", "missing", is_fine=False)
