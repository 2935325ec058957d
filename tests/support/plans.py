"""Plans that differ from the package's: what a release before or after it would install."""

from __future__ import annotations

from dataclasses import replace

from gtr_jobs.app.database import installation_plan
from gtr_jobs.db.plan import OURS, Plan, Step
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.version import Version

PLAN = installation_plan()
NEXT = Version(PLAN.version.major, PLAN.version.minor + 1, 0)


def with_step(
    plan: Plan, name: str, sql: str, *, version: str = "9001", component: str = OURS
) -> Plan:
    """Add a step at the end."""
    return replace(plan, steps=(*plan.steps, Step(component, version, name, sql, Version(0, 1, 0))))


def with_file(plan: Plan, path: str, sql: str) -> Plan:
    """Add a file at the end, or put another in its place."""
    file = SqlFile(path, sql)
    if all(known.path != path for known in plan.files):
        return replace(plan, files=(*plan.files, file))
    return replace(plan, files=tuple(file if known.path == path else known for known in plan.files))


def without_file(plan: Plan, path: str) -> Plan:
    """Leave a file out."""
    return replace(plan, files=tuple(file for file in plan.files if file.path != path))


def read_file(plan: Plan, path: str) -> SqlFile:
    """Give one file of a plan."""
    (file,) = (file for file in plan.files if file.path == path)
    return file
