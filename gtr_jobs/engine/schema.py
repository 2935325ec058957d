"""procrastinate's own schema, as steps of an installation.

procrastinate ships its whole schema in one file and numbered migrations for databases that have an
older one, and keeps no record of what was applied (its documentation leaves that to the user). Here
the whole schema is a snapshot, recorded under the newest migration that it contains, and every
migration that a later release brings is a step for databases that were installed before.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from gtr_jobs.db.plan import Step
from gtr_jobs.domain.version import Version

COMPONENT = "procrastinate"
SCHEMA = "procrastinate"

# The newest migration that is part of schema.sql in the oldest release that we ever installed.
_BASELINE = "03.04.00_50"
_OLDEST_WORKER = Version(0, 1, 0)
_MIGRATION = re.compile(r"(?P<version>\d\d\.\d\d\.\d\d_\d\d)_(?P<name>\w+)\.sql")


def engine_steps() -> tuple[Step, ...]:
    """List procrastinate's migrations, and its whole schema for a database that has none of it."""
    folder = _find_package() / "sql"
    migrations = sorted(
        (match["version"], match["name"], (folder / "migrations" / entry.name).read_text("utf-8"))
        for entry in (folder / "migrations").iterdir()
        if (match := _MIGRATION.fullmatch(entry.name)) and match["version"] > _BASELINE
    )
    newest = migrations[-1][0] if migrations else _BASELINE
    schema = _into_schema((folder / "schema.sql").read_text(encoding="utf-8"))
    return (
        Step(COMPONENT, newest, "whole schema", schema, _OLDEST_WORKER, is_snapshot=True),
        *(
            Step(COMPONENT, version, name.replace("_", " "), _into_schema(sql), _OLDEST_WORKER)
            for version, name, sql in migrations
        ),
    )


def _find_package() -> Path:
    """Say where procrastinate's files are. It is not imported: that takes a tenth of a second, and nobody calls it."""
    spec = find_spec(COMPONENT)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(COMPONENT)
    return Path(spec.submodule_search_locations[0])


def _into_schema(sql: str) -> str:
    """Make unqualified statements land in our schema, and the search path as it was afterwards."""
    return (
        "set lock_timeout = '3s';\n"
        f"create schema if not exists {SCHEMA};\n"
        f"set search_path = {SCHEMA}, pg_temp;\n"
        f"{sql.rstrip()}\n"
        "reset search_path;\n"
    )
