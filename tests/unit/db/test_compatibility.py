"""Whether a version of the package and a database can live with each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gtr_jobs.db.compatibility import (
    check_identity,
    check_worker,
    describe_newer_database,
    refuse_changed_steps,
    refuse_newer_database,
)
from gtr_jobs.db.installed import FileRecord, Installed, StepRecord
from gtr_jobs.db.plan import OURS, Plan, Step
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.version import Version

OLD, NOW, NEW = Version(0, 9, 0), Version(0, 10, 0), Version(0, 11, 0)
STEPS = tuple(Step(OURS, f"000{n}", f"make {n}", f"select {n};", OLD) for n in (1, 2))
FUNCTION = SqlFile("engine/a.sql", "select 1;")
OTHER = SqlFile("engine/b.sql", "select 2;")
TRIGGER = SqlFile("on/c.sql", "-- table: public.c\nselect 3;")
PLAN = Plan(NOW, STEPS, (FUNCTION, OTHER, TRIGGER))
AHEAD = StepRecord(OURS, "0003", "make 3", "x", OLD)


def _record(step: Step, **changes: object) -> StepRecord:
    record = StepRecord(step.component, step.version, step.name, step.sha256, step.oldest_worker)
    return replace(record, **changes)  # type: ignore[arg-type]  # a test says which


def _installed(
    steps: tuple[StepRecord, ...] = tuple(map(_record, STEPS)),
    files: dict[str, FileRecord] | None = None,
    project: str | None = None,
    environment: str | None = None,
) -> Installed:
    if files is None:
        files = {file.path: FileRecord(file.path, file.sha256, NOW) for file in PLAN.files}
    return Installed(
        {(step.component, step.version): step for step in steps}, files, project, environment
    )


def _files(**changes: FileRecord) -> dict[str, FileRecord]:
    files = dict(_installed().files)
    for path, record in changes.items():
        files[path.replace("__", "/") + ".sql"] = record
    return files


def _refusal(installed: Installed) -> tuple[str, str, int]:
    with pytest.raises(ConfigurationError) as caught:
        check_worker(PLAN, installed)
    return caught.value.message, caught.value.hint, caught.value.exit_code


def test_a_worker_and_its_own_database_live_together() -> None:
    """Nothing is said."""
    assert check_worker(PLAN, _installed()) == ()


def test_a_file_that_was_left_out_keeps_no_worker_from_working() -> None:
    """The app lacks its table."""
    files = {path: record for path, record in _installed().files.items() if path != TRIGGER.path}
    assert check_worker(PLAN, _installed(files=files)) == ()


def test_a_database_without_gtr_jobs_is_refused() -> None:
    """With the version that asks, and the command that installs."""
    assert _refusal(Installed()) == (
        "gtr_jobs is not installed in this database (this worker is 0.10.0)",
        "run gtr-jobs db migrate",
        78,
    )


def test_a_worker_that_is_too_old_is_refused() -> None:
    """The database says which is the oldest that can live with it; the newest need counts."""
    steps = (
        _record(STEPS[0], oldest_worker=Version(0, 10, 1)),
        _record(STEPS[1], oldest_worker=NEW),
    )
    refusal = (
        (
            "gtr-jobs 0.10.0 is too old for this database: its schema (gtr_jobs 0002 make 2) needs"
            " 0.11.0 or newer"
        ),
        'run pip install "gtr-jobs>=0.11.0"',
        78,
    )
    assert _refusal(_installed(steps)) == refusal
    with pytest.raises(ConfigurationError) as caught:
        refuse_newer_database(PLAN, _installed(steps))
    assert (caught.value.message, caught.value.hint) == refusal[:2]


def test_a_database_that_is_too_old_is_refused() -> None:
    """With its version, the one that is needed, and the command."""
    assert _refusal(_installed(tuple(map(_record, STEPS[:1])))) == (
        "the database is at schema 0001, gtr-jobs 0.10.0 needs 0002 (gtr_jobs 0002 make 2 is missing)",
        "run gtr-jobs db migrate",
        78,
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            _files(engine__a=FileRecord("engine/a.sql", "x", OLD)),
            "the database has functions of gtr-jobs 0.9.0, this worker is 0.10.0 (engine/a.sql)",
        ),
        (
            _files(
                engine__a=FileRecord("engine/a.sql", "x", NOW),
                engine__b=FileRecord("engine/b.sql", "x", OLD),
            ),
            (
                "the database has functions of gtr-jobs 0.9.0, this worker is 0.10.0"
                " (engine/a.sql and 1 more)"
            ),
        ),
        (
            {},
            "the database lacks functions, this worker is 0.10.0 (engine/a.sql and 1 more)",
        ),
    ],
)
def test_a_database_with_older_functions_is_refused(
    files: dict[str, FileRecord], message: str
) -> None:
    """Both versions, the first file that differs and how many more."""
    assert _refusal(_installed(files=files)) == (message, "run gtr-jobs db migrate", 78)


@pytest.mark.parametrize(
    ("installed", "warning"),
    [
        (
            _installed(files=_files(engine__a=FileRecord("engine/a.sql", "x", NEW))),
            "the database is newer than gtr-jobs 0.10.0 (functions of 0.11.0) and still compatible",
        ),
        (
            _installed((*map(_record, STEPS), AHEAD)),
            (
                "the database is newer than gtr-jobs 0.10.0 (functions of 0.10.0, schema with"
                " gtr_jobs 0003 make 3) and still compatible"
            ),
        ),
        (
            _installed(
                (*map(_record, STEPS), AHEAD),
                _files(engine__later=FileRecord("engine/later.sql", "x", NEW)),
            ),
            (
                "the database is newer than gtr-jobs 0.10.0 (functions of 0.11.0, schema with"
                " gtr_jobs 0003 make 3) and still compatible"
            ),
        ),
    ],
)
def test_a_database_that_is_newer_and_compatible_is_one_warning(
    installed: Installed, warning: str
) -> None:
    """During a deploy old workers meet it: they go on, and say so once."""
    assert check_worker(PLAN, installed) == (warning,)
    assert describe_newer_database(PLAN, installed) == (warning,)


def test_a_migration_that_was_edited_is_refused() -> None:
    """A released file is frozen: another text under its number is another change."""
    refuse_changed_steps(PLAN, _installed())
    with pytest.raises(ConfigurationError) as caught:
        refuse_changed_steps(PLAN, _installed((_record(STEPS[0], sha256="x"),)))
    assert str(caught.value) == (
        "migration gtr_jobs 0001 make 1 is not the one that was applied to this database:"
        " restore the released file; a change is a new migration"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "setting", "option"),
    [
        (("one", None), ("other", None), "GTR_PROJECT", "--project one"),
        (("one", "prod"), ("one", "staging"), "GTR_ENVIRONMENT", "--environment prod"),
        ((None, "prod"), ("one", "staging"), "GTR_ENVIRONMENT", "--environment prod"),
    ],
)
def test_a_database_of_another_project_or_environment_is_refused(
    ours: tuple[str | None, str | None],
    theirs: tuple[str | None, str | None],
    setting: str,
    option: str,
) -> None:
    """A copy of production reaches nobody: the message names both, and the command for a copy that is meant."""
    with pytest.raises(ConfigurationError) as caught:
        check_identity(_installed(project=theirs[0], environment=theirs[1]), *ours)
    assert caught.value.message.startswith(f"{setting} is ")
    assert "but the database says that it is" in caught.value.message
    assert f"`gtr-jobs db migrate {option} --change-identity`" in caught.value.hint


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((None, None), (None, None)),
        (("one", "prod"), (None, None)),
        ((None, None), ("one", "prod")),
        (("one", None), ("one", "prod")),
    ],
)
def test_an_identity_that_cannot_be_compared_is_one_warning(
    ours: tuple[str | None, str | None], theirs: tuple[str | None, str | None]
) -> None:
    """Nothing guards the database then, and it says what to set."""
    (warning,) = check_identity(_installed(project=theirs[0], environment=theirs[1]), *ours)
    assert "set GTR_PROJECT and GTR_ENVIRONMENT" in warning


@pytest.mark.parametrize("project", [None, "one"])
def test_the_same_identity_says_nothing(project: str | None) -> None:
    """The environment on both sides is enough."""
    assert check_identity(_installed(project=project, environment="prod"), "one", "prod") == ()
