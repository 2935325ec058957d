"""A database that a newer release installed, under the package that is here."""

from __future__ import annotations

from support.catalog import read_catalog
from support.command_line import assert_refused, run_command
from support.databases import ProjectDatabase
from support.migrations import migrate_with
from support.plans import PLAN, read_file, with_file, with_step

from gtr_jobs.db.plan import Plan
from gtr_jobs.domain.version import Version

_NEWER = Version(9, 0, 0)


def _newer_plan() -> Plan:
    """Give the plan of a release that has another function, another file and another step."""
    file = read_file(PLAN, "ops/queue_depth.sql")
    plan = with_file(PLAN, file.path, f"{file.sql}\n-- of a newer release\n")
    plan = with_file(
        plan, "ops/later.sql", "create or replace view gtr_jobs.later as select 1 as one;"
    )
    plan = with_step(plan, "add later", "create table gtr_jobs.later_table (id bigint);")
    return Plan(_NEWER, plan.steps, plan.files)


def test_a_database_that_needs_a_newer_package_is_refused(database: ProjectDatabase) -> None:
    """One line has both versions and what to run; status says the same, and nothing is changed."""
    with database.connect() as connection:
        connection.execute(
            "update gtr_jobs.schema_migrations set oldest_worker = '9.0.0' where version = '0003'"
        )
        before = read_catalog(connection)
        settings = {"GTR_ADMIN_DATABASE_URL": database.dsn}
        said = (str(PLAN.version), "9.0.0", 'pip install "gtr-jobs>=9.0.0"')
        assert_refused(run_command("db", "migrate", settings=settings), 78, *said)
        status = run_command("db", "status", settings=settings)
        assert status.code == 1
        assert [part for part in said if part not in status.out] == []
        assert "Up to date" not in status.out
        assert read_catalog(connection) == before


def test_what_a_newer_package_installed_stays_as_it_is(database: ProjectDatabase) -> None:
    """An older package that can live with the database says so, and puts nothing back: not a function, not a file."""
    migrate_with(database, _newer_plan())
    settings = {"GTR_ADMIN_DATABASE_URL": database.dsn}
    with database.connect() as connection:
        before = read_catalog(connection)
        done = run_command("db", "migrate", settings=settings)
        assert (done.code, done.out) == (0, "Nothing to do: the database is up to date.\n")
        assert done.err == (
            f"the database is newer than gtr-jobs {PLAN.version} (functions of 9.0.0, schema with "
            "gtr_jobs 9001 add later) and still compatible: what it has of a newer gtr-jobs stays as it is\n"
        )
        assert read_catalog(connection) == before
    status = run_command("db", "status", settings=settings)
    assert status.code == 0
    shown = " ".join(status.out.split())
    assert "gtr_jobs 9001 add later of a newer gtr-jobs" in shown
    assert "ops/queue_depth.sql of gtr-jobs 9.0.0" in shown
    assert "ops/later.sql of gtr-jobs 9.0.0" in shown
