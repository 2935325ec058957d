"""How a database compares with what this version of the package installs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from gtr_jobs.db.connect import Database
from gtr_jobs.db.installed import (
    Installed,
    TriggerStatus,
    missing_tables,
    read_installed,
    read_triggers,
)
from gtr_jobs.db.plan import Plan
from gtr_jobs.domain.version import Version


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
    """A database beside a plan."""

    place: str
    version: Version
    project: str | None
    environment: str | None
    lines: tuple[StatusLine, ...]
    warnings: tuple[str, ...]

    @property
    def is_up_to_date(self) -> bool:
        """Whether a migration would do nothing."""
        return all(line.is_fine for line in self.lines)


def read_status(connection: psycopg.Connection, database: Database, plan: Plan) -> DatabaseStatus:
    """Compare everything that the plan has with what the database says it has."""
    installed = read_installed(connection)
    missing = missing_tables(connection, plan.files)
    triggers = read_triggers(connection, plan)
    lines = (
        *_step_lines(plan, installed),
        *_file_lines(plan, installed, missing),
        *_trigger_lines(triggers),
    )
    newer = sorted(
        str(step) for step in installed.steps.values() if step.oldest_worker > plan.version
    )
    return DatabaseStatus(
        place=database.describe(),
        version=plan.version,
        project=installed.project,
        environment=installed.environment,
        lines=lines,
        warnings=tuple(f"{step} needs a newer gtr-jobs than this one" for step in newer),
    )


def _step_lines(plan: Plan, installed: Installed) -> Iterator[StatusLine]:
    pending = plan.pending_steps(installed.steps.keys())
    for step in plan.steps:
        record = installed.steps.get(step.key)
        if step in pending:
            yield StatusLine(str(step), "pending", is_fine=False)
        elif record is not None and not step.is_snapshot and record.sha256 != step.sha256:
            yield StatusLine(str(step), "changed after it was applied", is_fine=False)
        elif record is not None:
            yield StatusLine(str(step), "applied", is_fine=True)
    known = {step.key for step in plan.steps}
    for key, record in installed.steps.items():
        if key not in known:
            yield StatusLine(str(record), "of a newer gtr-jobs", is_fine=True)


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
        elif record.installed_by > plan.version:
            yield StatusLine(file.path, f"of gtr-jobs {record.installed_by}", is_fine=True)
        else:
            yield StatusLine(file.path, "differs", is_fine=False)
    known = {file.path for file in plan.files}
    for record in installed.files.values():
        if record.path not in known:
            is_newer = record.installed_by > plan.version
            state = f"of gtr-jobs {record.installed_by}" if is_newer else "to be removed"
            yield StatusLine(record.path, state, is_fine=is_newer)


def _trigger_lines(triggers: tuple[TriggerStatus, ...]) -> Iterator[StatusLine]:
    for status in triggers:
        if status.table_exists:
            yield StatusLine(
                f"trigger on {status.trigger.table}",
                "attached" if status.attached else "missing or disabled",
                is_fine=status.attached,
            )
