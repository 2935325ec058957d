"""Another team's app is installed, compared and taken away with ours, and neither disturbs the other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.apps import APP, KINDS, NEW, AppFolder, make_app_tables
from support.databases import ProjectDatabase
from support.migrations import migrate_with, read_books, read_status_with, unfinished
from support.plans import PLAN

from gtr_jobs.db.compatibility import check_worker
from gtr_jobs.db.export import export_sql
from gtr_jobs.db.job_kinds import JobKind
from gtr_jobs.domain.errors import ConfigurationError

EVENT, READER = "on/bookings_insert.sql", "worker/read_bookings.sql"
KINDS_FILE = f"{APP}/generated/job_kinds.sql"
FILES = (KINDS_FILE, f"{APP}/{READER}", f"{APP}/worker/write_slip.sql", f"{APP}/{EVENT}")
HAS_READER = "select to_regprocedure('garage.read_bookings(uuid[])') is not null"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """An app's SQL, to be changed."""
    return AppFolder(tmp_path)


@pytest.fixture
def project(database: ProjectDatabase) -> ProjectDatabase:
    """A database in which gtr_jobs is installed, and which has the app's tables."""
    make_app_tables(database)
    return database


def _fetch(database: ProjectDatabase, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def _kinds(database: ProjectDatabase) -> list[tuple[Any, ...]]:
    return _fetch(
        database,
        "select kind, queue, produced_by, max_attempts from gtr_jobs.job_kinds"
        " where produced_by like 'garage%' order by kind",
    )


def test_an_app_is_installed_after_ours_and_once(project: ProjectDatabase, app: AppFolder) -> None:
    """Its step, its kinds and its files, in the books under its name; the second time nothing is to be done."""
    assert unfinished(read_status_with(project, app.plan())) == {
        f"{APP} 0001 create schema": "pending",
        **dict.fromkeys(FILES, "pending"),
        "trigger on public.bookings": "missing or disabled",
    }
    done = migrate_with(project, app.plan())
    assert (done.steps, done.files) == ((f"{APP} 0001 create schema",), FILES)
    again = migrate_with(project, app.plan())
    assert (again.steps, again.files, again.removed) == ((), (), ())
    assert read_status_with(project, app.plan()).is_up_to_date
    assert _kinds(project) == [
        ("booking_confirmed", "push", "garage bookings_insert", 8),
        ("write_slip", "slips", "garage bookings_insert", 3),
    ]
    assert {str(read_books(project).files[path].installed_by) for path in FILES} == {"0.1.0"}


def test_without_the_setting_an_app_stays_as_it_is(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """Whoever forgets GTR_APP takes nothing away: it is told of, and left."""
    migrate_with(project, app.plan())
    done = migrate_with(project, PLAN)
    assert (done.steps, done.files, done.removed) == ((), (), ())
    status = read_status_with(project, PLAN)
    assert status.is_up_to_date
    said = {line.what: line.state for line in status.lines if APP in line.what}
    assert said == dict.fromkeys(
        (f"{APP} 0001 create schema", *FILES), "of an app that GTR_APP does not name"
    )
    assert check_worker(PLAN, read_books(project)) == (
        "the database has the app garage, which GTR_APP does not name",
    )
    assert len(_kinds(project)) == 2


def test_a_file_of_an_app_that_is_gone_is_taken_away(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """With what it made; files of ours and kinds that are still there stay."""
    migrate_with(project, app.plan())
    app.remove(READER)
    plan = app.plan()
    assert unfinished(read_status_with(project, plan)) == {f"{APP}/{READER}": "to be removed"}
    assert migrate_with(project, plan).removed == (f"{APP}/{READER}",)
    assert _fetch(project, HAS_READER) == [(False,)]


def test_a_kind_that_is_gone_is_taken_out_of_the_list(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """In Python and in the database alike; what the two differ in, the status says."""
    migrate_with(project, app.plan())
    app.write(EVENT, app.read(EVENT).replace("-- enqueues: write_slip\n", ""))
    plan = app.plan(kinds=KINDS[:1])
    assert unfinished(read_status_with(project, plan)) == {
        KINDS_FILE: "differs",
        f"{APP}/{EVENT}": "differs",
    }
    with pytest.raises(ConfigurationError) as refused:
        check_worker(plan, read_books(project))
    assert str(refused.value) == (
        "the database has functions of garage 0.1.0, this worker's garage is 0.1.0 "
        f"({KINDS_FILE} and 1 more): run gtr-jobs db migrate"
    )
    migrate_with(project, plan)
    assert [kind for kind, *_ in _kinds(project)] == ["booking_confirmed"]


def test_an_app_that_brings_nothing_any_more_leaves_nothing_but_its_tables(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """Its functions, trigger and kinds go; what is durable is somebody's data."""
    migrate_with(project, app.plan())
    for path in (EVENT, READER, "worker/write_slip.sql"):
        app.remove(path)
    assert set(migrate_with(project, app.plan(kinds=())).removed) == set(FILES) - {KINDS_FILE}
    assert _kinds(project) == []
    assert _fetch(project, "select count(*) from garage.slips") == [(0,)]
    assert _fetch(project, HAS_READER) == [(False,)]


def test_two_apps_do_not_take_each_others_kinds(project: ProjectDatabase, app: AppFolder) -> None:
    """What another has listed is refused, by its name, and nothing is half done."""
    with project.connect() as connection:
        connection.execute(
            "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
            " values ('write_slip', 'other', 'othershop other_insert', 1)"
        )
    with pytest.raises(
        ConfigurationError, match="that are not those of the app garage: write_slip"
    ):
        migrate_with(project, app.plan())
    assert _kinds(project) == []


def test_a_worker_lives_with_functions_of_a_newer_app_and_not_with_older_ones(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """By the app's own version, as by the package's for ours."""
    migrate_with(project, app.plan())
    before = app.plan()
    app.write(READER, app.read(READER).replace("where b.id", "where b.workshop <> '' and b.id"))
    after = app.plan(NEW)
    with pytest.raises(ConfigurationError) as refused:
        check_worker(after, read_books(project))
    assert str(refused.value) == (
        "the database has functions of garage 0.1.0, this worker's garage is 0.2.0 "
        f"({APP}/{READER}): run gtr-jobs db migrate"
    )
    assert migrate_with(project, after).files == (f"{APP}/{READER}",)
    assert check_worker(before, read_books(project)) == (
        "the database is newer than garage 0.1.0 (functions of 0.2.0) and still compatible",
    )
    # What is newer is not put back.
    assert migrate_with(project, before).files == ()
    assert read_status_with(project, before).is_up_to_date


def test_a_worker_that_an_apps_schema_is_too_new_for_is_refused(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """And so is one that its schema is too old for: with both versions of the app, not the package's."""
    before = app.plan()
    migrate_with(project, before)
    app.write("migrations/0002_add_colour.sql", "-- does: x\n-- oldest-worker: 0.2.0\nselect 1;\n")
    after = app.plan(NEW)
    with pytest.raises(ConfigurationError) as too_old:
        check_worker(after, read_books(project))
    assert str(too_old.value) == (
        "the database is at schema 0001, garage 0.2.0 needs 0002 (garage 0002 add colour is "
        "missing): run gtr-jobs db migrate"
    )
    migrate_with(project, after)
    with pytest.raises(ConfigurationError) as too_new:
        check_worker(before, read_books(project))
    assert str(too_new.value) == (
        "garage 0.1.0 is too old for this database: its schema (garage 0002 add colour) needs "
        "0.2.0 or newer: install garage 0.2.0 or newer, which GTR_APP names"
    )
    # Who does not know the app has nothing to say of its versions.
    assert len(check_worker(PLAN, read_books(project))) == 1


def test_a_worker_without_the_apps_schema_says_which(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """Whoever set GTR_APP and did not migrate is told to."""
    with pytest.raises(ConfigurationError) as refused:
        check_worker(app.plan(), read_books(project))
    assert str(refused.value) == (
        "the database is at schema none, garage 0.1.0 needs 0001 (garage 0001 create schema is "
        "missing): run gtr-jobs db migrate"
    )


def test_a_released_migration_of_an_app_that_was_edited_is_refused(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """As one of ours is."""
    migrate_with(project, app.plan())
    step = "migrations/0001_create_schema.sql"
    app.write(step, app.read(step) + "-- changed\n")
    with pytest.raises(ConfigurationError, match="migration garage 0001 create schema is not"):
        migrate_with(project, app.plan())


def test_an_app_whose_table_is_missing_leaves_its_event_out(
    database: ProjectDatabase, app: AppFolder
) -> None:
    """It is installed when the table has come."""
    app.write("migrations/0001_create_schema.sql", "-- oldest-worker: 0.1.0\ncreate schema garage;")
    plan = app.plan()
    assert migrate_with(database, plan).left_out == {f"{APP}/{EVENT}": ("public.bookings",)}
    assert read_status_with(database, plan).is_up_to_date
    make_app_tables(database)
    assert migrate_with(database, plan).files == (f"{APP}/{EVENT}",)


def test_the_export_has_the_app_behind_ours_and_later_what_is_new(
    app: AppFolder, tmp_path: Path
) -> None:
    """For `supabase db push`; without the setting, what is the app's stays in the folder as it is."""
    folder, now = tmp_path / "out", datetime(2026, 3, 1, tzinfo=UTC)
    names = [path.name[24:-4] for path in export_sql(app.plan(), folder, now)]
    assert names.index("garage_0001_create_schema") < names.index("functions")
    assert names[-1] == "garage_on_bookings_insert"
    (functions,) = folder.glob("*_gtr_jobs_functions.sql")
    text = functions.read_text()
    assert [text.index(f"file {path} ") for path in FILES[:3]] == sorted(
        text.index(f"file {path} ") for path in FILES[:3]
    )
    assert export_sql(PLAN, folder, now) == export_sql(app.plan(), folder, now) == ()
    app.remove(READER)
    app.write(EVENT, app.read(EVENT) + "\n")
    written = [path.name[24:-4] for path in export_sql(app.plan(), folder, now)]
    assert written == ["garage_on_bookings_insert", "remove_garage_worker_read_bookings"]


def test_a_released_migration_of_an_app_that_was_edited_is_not_exported(
    app: AppFolder, tmp_path: Path
) -> None:
    """What stands in the app's history already cannot become another."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    export_sql(app.plan(), tmp_path / "out", now)
    step = "migrations/0001_create_schema.sql"
    app.write(step, app.read(step) + "-- changed\n")
    with pytest.raises(ConfigurationError, match="migration garage 0001 create schema is not"):
        export_sql(app.plan(), tmp_path / "out", now)


def test_a_priority_that_an_operator_chose_survives_a_release(
    project: ProjectDatabase, app: AppFolder
) -> None:
    """As for our own kinds: an app's release brings its own columns up to date."""
    migrate_with(project, app.plan())
    with project.connect() as connection:
        connection.execute("update gtr_jobs.job_kinds set priority = 7 where kind = 'write_slip'")
    migrate_with(project, app.plan(kinds=(KINDS[0], JobKind("write_slip", "slips", 5))))
    assert _fetch(
        project,
        "select priority, max_attempts from gtr_jobs.job_kinds where kind = 'write_slip'",
    ) == [(7, 5)]
