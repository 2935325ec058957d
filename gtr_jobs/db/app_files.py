"""The SQL of another team's app: read, looked over and put in order.

A folder of its own, of the same shape as the package's: `migrations/` for durable state, and
re-runnable files in `rules/`, `worker/`, `ops/`, `rpc/` and `on/`, with the same heads (see
`sqlfiles`). In the books everything stands under the app's name, so that no two can collide.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError
from pathlib import Path

from gtr_jobs.db.job_kinds import JobKind, write_kinds_file
from gtr_jobs.db.plan import AppPart, Step, step_of
from gtr_jobs.db.sqlfiles import (
    SqlFile,
    read_folder,
    read_rerunnable_files,
)
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.version import Version

# The engine is the package's, and policies are those of tables, which are durable.
APP_FOLDERS = ("rules", "worker", "ops", "rpc", "on")
MIGRATIONS = "migrations"

_MIGRATION_NAME = re.compile(r"\d{4}_[a-z0-9_]+")
_CREATE = re.compile(r"^create\b[^\n]*", re.MULTILINE | re.IGNORECASE)
_SEEN = re.compile(
    r"create (?:or replace (?:function|view) [a-z0-9_]+\.[a-z0-9_]+\b"
    r"|or replace trigger [a-z0-9_]+\s"
    r"|(?:unique )?index if not exists [a-z0-9_]+\s)"
)
_NAMED = re.compile(r"drop \w+ if exists (?P<name>.+)")


def read_app_part(
    name: str, version: Version, folder: Path | None, kinds: Sequence[JobKind]
) -> AppPart:
    """Read what an app installs.

    Args:
        name: The app's.
        version: The app's own.
        folder: Its SQL; None where it has none (any more).
        kinds: Its kinds of job.

    Raises:
        ConfigurationError: A file is not what its folder asks for; names it and says what to do.
    """
    if folder is None:
        steps: tuple[Step, ...] = ()
        files: tuple[SqlFile, ...] = ()
    else:
        if not folder.is_dir():
            raise ConfigurationError(
                f"GTR_APP: the app {name} has its SQL in {folder}, and there is no such folder",
                "correct `sql`, and see that the folder is shipped with the package",
            )
        try:
            _look_at_folders(folder)
            steps = tuple(_read_steps(name, folder))
            files = _read_files(folder)
        except UnicodeDecodeError as error:
            raise _mistake(folder, "", f"a file is no text in UTF-8 ({error.reason})") from None
        _look_at_files(folder, files, {kind.name for kind in kinds})
    _look_at_kinds(name, kinds, files)
    listed = write_kinds_file(name, kinds, files)
    installed = tuple(replace(file, path=f"{name}/{file.path}") for file in files)
    return AppPart(name, version, steps, (listed, *installed))


def _look_at_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*.sql")):
        place = path.relative_to(folder).as_posix()
        if path.parent.parent != folder or path.parent.name not in (*APP_FOLDERS, MIGRATIONS):
            raise _mistake(
                folder,
                place,
                "stands in no folder that is installed",
                f"there is {', '.join((MIGRATIONS, *APP_FOLDERS))}",
            )


def _read_steps(name: str, folder: Path) -> Iterator[Step]:
    taken: set[str] = set()
    for file in read_folder(MIGRATIONS, folder):
        if _MIGRATION_NAME.fullmatch(file.stem.rpartition("/")[2]) is None:
            raise _mistake(
                folder, file.path, "has no number", "name it as in 0001_create_schema.sql"
            )
        try:
            step = step_of(file, name)
        except ValueError:
            raise _mistake(
                folder,
                file.path,
                "does not name the oldest worker that can live with it",
                "write `-- oldest-worker: 0.1.0` in its head, with a version of the app",
            ) from None
        if step.version in taken:
            raise _mistake(folder, file.path, f"is the second with the number {step.version}")
        taken.add(step.version)
        yield step


def _read_files(folder: Path) -> tuple[SqlFile, ...]:
    try:
        files = read_rerunnable_files(folder)
    except KeyError as error:
        raise _mistake(folder, "", f"a file requires {error}, which is not there") from None
    except CycleError as error:
        raise _mistake(
            folder, "", f"files require each other: {', '.join(sorted(set(error.args[1])))}"
        ) from None
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise _mistake(folder, "", str(error)) from None
    return files


def _look_at_files(folder: Path, files: Sequence[SqlFile], kinds: Collection[str]) -> None:
    ours = {statement for file in read_rerunnable_files() for statement in file.undo}
    for file in files:
        _look_at_what_is_made(folder, file, ours)
        for kind in file.header("enqueues"):
            if kind not in kinds:
                raise _mistake(
                    folder,
                    file.path,
                    f"enqueues {kind!r}, which is no kind of the app",
                    "correct its head, or add the kind to `kinds` or to a queue's",
                )
        if file.path.startswith("on/"):
            _look_at_event(folder, file)


def _look_at_what_is_made(folder: Path, file: SqlFile, ours: Collection[str]) -> None:
    for match in _CREATE.finditer(file.sql):
        if _SEEN.match(match[0] + "\n") is None:
            line = file.sql.count("\n", 0, match.start()) + 1
            raise _mistake(
                folder,
                f"{file.path} line {line}",
                f"{match[0][:60]!r} cannot be taken away again when the file is gone",
                "write it in small letters, with its schema, as `create or replace function | view "
                "| trigger` or `create index if not exists`; tables and types belong in migrations/",
            )
    for statement in file.undo:
        if statement in ours and (named := _NAMED.fullmatch(statement)) is not None:
            raise _mistake(
                folder,
                file.path,
                f"makes {named['name']}, which is gtr_jobs' own",
                "give it a name of its own, in a schema of the app",
            )


def _look_at_event(folder: Path, file: SqlFile) -> None:
    if file.trigger is None:
        raise _mistake(
            folder,
            file.path,
            "attaches no trigger",
            "what is called by others belongs in rules/, worker/ or rpc/",
        )
    if file.trigger.table not in file.tables:
        raise _mistake(
            folder,
            file.path,
            f"does not name {file.trigger.table} in its head",
            f"write `-- table: {file.trigger.table}`: where the table is missing, it is left out",
        )
    if not file.header("enqueues") + file.header("keeps"):
        raise _mistake(
            folder,
            file.path,
            "does not say what it is for",
            "write `-- enqueues: KIND` in its head, or `-- keeps: TABLE`",
        )


def _look_at_kinds(name: str, kinds: Sequence[JobKind], files: Sequence[SqlFile]) -> None:
    enqueued = {kind for file in files for kind in file.header("enqueues")}
    for kind in kinds:
        if kind.name not in enqueued and not kind.enqueued_by:
            raise ConfigurationError(
                f"GTR_APP: no file of the app {name} enqueues its kind {kind.name!r}",
                f"write sql/on/TABLE_insert.sql with `-- enqueues: {kind.name}` in its head",
            )


def _mistake(folder: Path, place: str, what: str, hint: str = "") -> ConfigurationError:
    where = f"{folder.name}/{place}" if place else f"{folder.name}/"
    return ConfigurationError(f"GTR_APP: {where}: {what}", hint)
