"""The installation as numbered files for `supabase db push`: reviewed and kept in the app's own history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gtr_jobs.db.plan import OURS, Plan, Step, component_of
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.db.statements import (
    drop_leftovers_statement,
    forget_file_statement,
    install_text,
    record_file_statement,
    record_step_statement,
)
from gtr_jobs.domain.errors import ConfigurationError, UsageError
from gtr_jobs.domain.version import Version

# Stands above every part of a written file: what it holds, and which version of the package wrote it.
_MARK = re.compile(
    r"^-- gtr_jobs (?P<version>\d+\.\d+\.\d+): (?P<what>step|file|gone) (?P<name>\S+)"
    r"(?: (?P<sha256>[0-9a-f]{64}))?$",
    re.MULTILINE,
)
_NUMBERED = re.compile(r"(?P<number>\d{14})_.*\.sql")


@dataclass(frozen=True, slots=True)
class _Part:
    """One numbered file to be."""

    title: str
    body: str


@dataclass(slots=True)
class _Written:
    """What the files of a folder come to, read in their order.

    Args:
        steps: Hashes of the steps, by name.
        files: Hashes of the re-runnable files as they were written last, by path.
        version: The newest package that wrote any of it.
    """

    steps: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    version: Version = field(default_factory=lambda: Version(0, 0, 0))


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
        ConfigurationError: A newer package wrote to it, or a migration in it is not the plan's.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _read_written(folder)
        _refuse_other_package(plan, known, folder)
        first = _first_number(folder, now)
        written = []
        for offset, part in enumerate(_missing_parts(plan, known)):
            number = (first + timedelta(seconds=offset)).strftime("%Y%m%d%H%M%S")
            path = folder / f"{number}_gtr_jobs_{part.title}.sql"
            path.write_text(part.body, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(
            f"--out {folder}: {error.strerror}", "name a folder that you can write to"
        ) from None
    return tuple(written)


def _read_written(folder: Path) -> _Written:
    known = _Written()
    for path in sorted(folder.glob("*.sql")):
        for mark in _MARK.finditer(path.read_text(encoding="utf-8", errors="replace")):
            known.version = max(known.version, Version.parse(mark["version"]))
            if mark["what"] == "gone":
                known.files.pop(mark["name"], None)
            elif mark["sha256"]:
                into = known.steps if mark["what"] == "step" else known.files
                into[mark["name"]] = mark["sha256"]
    return known


def _refuse_other_package(plan: Plan, known: _Written, folder: Path) -> None:
    if known.version > plan.version:
        raise ConfigurationError(
            f"--out {folder}: was written by gtr-jobs {known.version}, this is {plan.version}",
            f'run pip install "gtr-jobs>={known.version}"',
        )
    for step in plan.steps:
        sha256 = known.steps.get(_step_name(step), step.sha256)
        if not step.is_of_engine and sha256 != step.sha256:
            raise ConfigurationError(
                f"--out {folder}: migration {step} is not the one that was written there",
                "restore the released file; a change is a new migration",
            )


def _missing_parts(plan: Plan, known: _Written) -> Iterator[_Part]:
    recorded = {tuple(name.split("/", 1)) for name in known.steps}
    steps = plan.pending_steps({(component, version) for component, version in recorded})
    for step in steps:
        yield _Part(_step_title(step), _step_body(plan, step))
    # The engine's own migrations undo what our engine files did to its functions.
    is_engine_new = any(step.is_of_engine for step in steps)
    missing = [
        file
        for file in plan.files
        if known.files.get(file.path) != file.sha256
        or (is_engine_new and file.path.startswith("engine/"))
    ]
    functions = [file for file in missing if not _needs_own_file(file)]
    if functions:
        yield _Part("functions", "\n".join(_file_body(plan, file, known) for file in functions))
    for file in missing:
        if _needs_own_file(file):
            yield _Part(file.stem.replace("/", "_"), _file_body(plan, file, known))
    paths = {file.path for file in plan.files}
    # In the opposite order: what stands on others goes first. What is of an app that is not this plan's stays.
    for path in [path for path in reversed(known.files) if path not in paths]:
        if plan.version_of(component_of(path)) is None:
            continue
        title = path.removesuffix(".sql").replace("/", "_")
        yield _Part(f"remove_{title}", _gone_body(plan, path))


def _step_name(step: Step) -> str:
    return f"{step.component}/{step.version}"


def _step_title(step: Step) -> str:
    title = f"{step.version.replace('.', '')}_{step.name.replace(' ', '_')}"
    return title if step.component == OURS else f"{step.component}_{title}"


def _step_body(plan: Plan, step: Step) -> str:
    return (
        f"-- gtr_jobs {plan.version}: step {_step_name(step)} {step.sha256}\n{step.sql.rstrip()}\n"
        f"{record_step_statement(step).as_string().rstrip()};\nreset lock_timeout;\n"
    )


def _needs_own_file(file: SqlFile) -> bool:
    return bool(file.tables) or file.path.startswith("policy/")


def _file_body(plan: Plan, file: SqlFile, known: _Written) -> str:
    record = f"{record_file_statement(plan, file).as_string().strip()};"
    if file.tables:
        tables = " and ".join(f"to_regclass('{table}') is not null" for table in file.tables)
        record = f"do $gtr$\nbegin\n    if {tables} then\n{record}\n    end if;\nend\n$gtr$;"
    if file.path in known.files:
        leftovers = drop_leftovers_statement(plan, file.path).as_string().strip()
        record = f"{leftovers};\n{record}"
    return (
        f"-- gtr_jobs {plan.version}: file {file.path} {file.sha256}\n"
        f"set lock_timeout = '3s';\n{install_text(file).rstrip()}\n{record}\nreset lock_timeout;\n"
    )


def _gone_body(plan: Plan, path: str) -> str:
    leftovers = drop_leftovers_statement(plan, path).as_string().strip()
    return (
        f"-- gtr_jobs {plan.version}: gone {path}\nset lock_timeout = '3s';\n{leftovers};\n"
        f"{forget_file_statement(path).as_string()};\nreset lock_timeout;\n"
    )


def _first_number(folder: Path, now: datetime) -> datetime:
    """Number the first file after every other: the command line applies them in their order."""
    first = now.astimezone(UTC).replace(microsecond=0)
    for path in folder.glob("*.sql"):
        if match := _NUMBERED.fullmatch(path.name):
            # Fourteen digits need be no date.
            with suppress(ValueError):
                number = datetime.strptime(match["number"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                first = max(first, number + timedelta(seconds=1))
    return first
