"""`gtr-jobs db status` tells a reader, and a script, whether there is something to do."""

from __future__ import annotations

from support.command_line import Ended, run_command
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT
from support.plans import PLAN


def _status(database: ProjectDatabase) -> Ended:
    return run_command("db", "status", settings={"GTR_ADMIN_DATABASE_URL": database.dsn})


def _place(database: ProjectDatabase) -> str:
    return f"postgres@{database.server.host}:{database.server.port}/{database.name}"


def test_a_current_database_is_shown_line_by_line(database: ProjectDatabase) -> None:
    """Where it is, what it says it is, every step, file and trigger, and that nothing is to be done: exit 0."""
    triggers = [file.trigger for file in PLAN.files if file.trigger is not None]
    shown = [
        ("database", _place(database)),
        ("identity", f"{PROJECT} / {ENVIRONMENT}"),
        ("gtr-jobs", str(PLAN.version)),
        *((str(step), "applied") for step in PLAN.steps),
        *((file.path, "installed") for file in PLAN.files),
        *((f"trigger on {trigger.table}", "attached") for trigger in triggers),
    ]
    ended = _status(database)
    assert (ended.code, ended.err) == (0, "")
    *lines, last = [line for line in ended.out.splitlines() if line]
    assert last == "Up to date."
    assert [tuple(part.strip() for part in line.split("  ", 1)) for line in lines] == shown


def test_a_database_without_us_is_all_pending(bare_database: ProjectDatabase) -> None:
    """Everything is named as pending, and the command to run: exit 1."""
    ended = _status(bare_database)
    assert (ended.code, ended.err) == (1, "")
    *lines, last = [line for line in ended.out.splitlines() if line]
    assert last == "Run gtr-jobs db migrate."
    shown = {what: state.strip() for what, state in (line.split("  ", 1) for line in lines)}
    assert shown["identity"] == "no project / no environment"
    pending = [what for what, state in shown.items() if state == "pending"]
    assert pending == [str(step) for step in PLAN.steps] + [file.path for file in PLAN.files]


def test_nothing_is_cut_off_however_narrow_the_terminal(database: ProjectDatabase) -> None:
    """A name that a reader greps for stands whole on one line."""
    settings = {"GTR_ADMIN_DATABASE_URL": database.dsn, "COLUMNS": "20"}
    ended = run_command("db", "status", settings=settings)
    assert [file.path for file in PLAN.files if f"\n{file.path} " not in ended.out] == []
    assert "…" not in ended.out


def test_the_password_of_the_connection_is_not_shown(database: ProjectDatabase) -> None:
    """The address is, the password is not."""
    assert database.server.password not in _status(database).out


def test_looking_changes_nothing(bare_database: ProjectDatabase) -> None:
    """A status of a database without us makes no schema there."""
    _status(bare_database)
    with bare_database.connect() as connection:
        found = connection.execute("select to_regnamespace('gtr_jobs')").fetchone()
    assert found == (None,)
