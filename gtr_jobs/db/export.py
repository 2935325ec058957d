"""The installation as numbered files for `supabase db push`: reviewed and kept in the app's own history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gtr_jobs.db.migrate import record_file_statement, record_step_statement
from gtr_jobs.db.plan import Plan, Step
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.errors import UsageError

_MARK = re.compile(
    r"^-- gtr_jobs: (?P<what>step|file) (?P<name>\S+) (?P<sha256>[0-9a-f]{64})$", re.MULTILINE
)
_NUMBERED = re.compile(r"(?P<number>\d{14})_gtr_jobs_.*\.sql")


@dataclass(frozen=True, slots=True)
class _Part:
    """One numbered file to be."""

    title: str
    body: str


def export_sql(plan: Plan, folder: Path, now: datetime) -> tuple[Path, ...]:
    """Write what the folder does not have yet; run again after an upgrade, it adds the difference.

    Durable state comes first, then all functions in one file, then each trigger and policy in a
    short file of its own, because each is its own transaction and holds its locks shortly.

    Args:
        plan: What is to be installed.
        folder: The app's `supabase/migrations`.
        now: The files are numbered from this moment on, and after those already there.

    Returns:
        The files written, in order.

    Raises:
        UsageError: The folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _known_parts(folder)
        parts = _missing_parts(plan, known)
        first = _first_number(folder, now)
        written = []
        for offset, part in enumerate(parts):
            number = (first + timedelta(seconds=offset)).strftime("%Y%m%d%H%M%S")
            path = folder / f"{number}_gtr_jobs_{part.title}.sql"
            path.write_text(part.body, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(
            f"--out {folder}: {error.strerror}", "name a folder that you can write to"
        ) from None
    return tuple(written)


def _known_parts(folder: Path) -> set[tuple[str, str]]:
    """Find what earlier exports wrote: steps by name, files by name and content."""
    known = set()
    for path in folder.glob("*.sql"):
        for mark in _MARK.finditer(path.read_text(encoding="utf-8")):
            known.add((mark["name"], "" if mark["what"] == "step" else mark["sha256"]))
    return known


def _missing_parts(plan: Plan, known: set[tuple[str, str]]) -> list[_Part]:
    recorded = {step.key for step in plan.steps if (_step_mark(step), "") in known}
    parts = [
        _Part(
            f"{step.component}_{step.version.replace('.', '')}_{step.name.replace(' ', '_')}",
            f"-- gtr_jobs: step {_step_mark(step)} {step.sha256}\n{step.sql.rstrip()}\n"
            f"{record_step_statement(step).as_string()};\nreset lock_timeout;\n",
        )
        for step in plan.pending_steps(recorded)
    ]
    missing = [file for file in plan.files if (file.path, file.sha256) not in known]
    functions = [file for file in missing if not _needs_own_file(file)]
    if functions:
        bodies = (_file_body(plan, file, file.sql) for file in functions)
        parts.append(_Part("functions", "\n".join(bodies)))
    for file in missing:
        if _needs_own_file(file):
            title = file.stem.replace("/", "_")
            parts.append(_Part(title, _file_body(plan, file, _tolerant(file))))
    return parts


def _step_mark(step: Step) -> str:
    return f"{step.component}/{step.version}"


def _needs_own_file(file: SqlFile) -> bool:
    return bool(file.tables) or file.path.startswith("policy/")


def _file_body(plan: Plan, file: SqlFile, body: str) -> str:
    record = record_file_statement(plan, file).as_string()
    if file.tables:
        tables = " and ".join(f"to_regclass('{table}') is not null" for table in file.tables)
        record = (
            f"do $gtr$\nbegin\n    if {tables} then\n{record.strip()};\n    end if;\nend\n$gtr$"
        )
    return (
        f"-- gtr_jobs: file {file.path} {file.sha256}\n"
        f"set lock_timeout = '3s';\n{body.rstrip()}\n{record};\nreset lock_timeout;\n"
    )


def _tolerant(file: SqlFile) -> str:
    """Make what needs the app's table depend on its being there: the file is written once for all databases."""
    text = file.sql
    for statement in file.table_statements:
        table = statement.table
        text = text.replace(
            statement.sql,
            f"do $gtr$\nbegin\n    if to_regclass('{table}') is null then\n"
            f"        raise notice 'gtr_jobs: {table} is not there, {file.path} is left out';\n"
            f"        return;\n    end if;\n{statement.sql}\nend\n$gtr$;",
        )
    return text


def _first_number(folder: Path, now: datetime) -> datetime:
    numbers = [
        datetime.strptime(match["number"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        for path in folder.glob("*.sql")
        if (match := _NUMBERED.fullmatch(path.name))
    ]
    after = max(numbers, default=datetime.min.replace(tzinfo=UTC)) + timedelta(seconds=1)
    return max(now.astimezone(UTC).replace(microsecond=0), after)
