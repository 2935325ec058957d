"""A migration that was interrupted goes on where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.catalog import read_catalog
from support.command_line import Ended, run_command, start_command, wait_for_line
from support.databases import ProjectDatabase
from support.migrations import migrate_with, read_books
from support.plans import PLAN, with_file

from gtr_jobs.db.plan import Plan
from gtr_jobs.domain.errors import ConfigurationError

_FAILS = "\nselect 1 / 0;\n"
_PIECES = len(PLAN.steps) + len(PLAN.files)


def _broken_at(place: int) -> Plan:
    """Give the plan whose piece at this place fails after all of its statements ran."""
    if place < len(PLAN.steps):
        steps = list(PLAN.steps)
        steps[place] = replace(steps[place], sql=steps[place].sql + _FAILS)
        return replace(PLAN, steps=tuple(steps))
    file = PLAN.files[place - len(PLAN.steps)]
    return with_file(PLAN, file.path, file.sql + _FAILS)


def _names(place: int) -> list[str]:
    """List what is installed once everything before this place is."""
    pieces = [str(step) for step in PLAN.steps] + [file.path for file in PLAN.files]
    return sorted(pieces[:place])


def _installed(database: ProjectDatabase) -> list[str]:
    books = read_books(database)
    return sorted([str(step) for step in books.steps.values()] + list(books.files))


def test_an_interruption_at_any_step_or_file_leaves_what_was_done_and_nothing_of_that_piece(
    bare_database: ProjectDatabase, database: ProjectDatabase
) -> None:
    """Broken at each piece in turn, the migration goes on there; in the end it is as if it had run at once."""
    for place in range(_PIECES):
        with pytest.raises(ConfigurationError, match="division by zero"):
            migrate_with(bare_database, _broken_at(place))
        assert _installed(bare_database) == _names(place)
    done = migrate_with(bare_database, PLAN)
    assert (done.steps, done.files) == ((), (PLAN.files[-1].path,))

    with bare_database.connect() as resumed, database.connect() as at_once:
        at_once.execute("update gtr_jobs.installation set project = null, environment = null")
        assert read_catalog(resumed) == read_catalog(at_once)


def test_a_migrator_that_is_killed_holds_nothing_up(bare_database: ProjectDatabase) -> None:
    """Killed while it waits for a table, it leaves neither its lock nor half a file; the next one goes on."""
    settings = {"GTR_ADMIN_DATABASE_URL": bare_database.dsn}
    with bare_database.connect() as app, app.transaction():
        app.execute("lock table public.messages in row exclusive mode")
        killed = start_command("db", "migrate", settings=settings)
        wait_for_line(killed, "installing on/messages_insert.sql")
        killed.kill()
        killed.communicate()
    later = [file.path for file in PLAN.files]
    later = later[later.index("on/messages_insert.sql") :]
    assert run_command("db", "migrate", settings=settings) == Ended(
        0,
        f"Applied 0 steps, installed {len(later)} files, removed 0.\n",
        "".join(f"installing {path}\n" for path in later),
    )
