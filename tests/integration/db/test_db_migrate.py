"""`gtr-jobs db migrate` installs everything, once, and says what it did."""

from __future__ import annotations

import psycopg
import pytest
from support.catalog import read_catalog
from support.command_line import Ended, assert_refused, run_command
from support.databases import DatabaseMaker, ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT
from support.migrations import migrate_with, read_books, read_status_with, unfinished
from support.plans import PLAN
from support.rights import FUNCTIONS, RPC_FUNCTIONS, SCHEMAS

from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.supabase import DefaultGrants


def _migrate(database: ProjectDatabase, *arguments: str, **settings: str) -> Ended:
    settings |= {"GTR_ADMIN_DATABASE_URL": database.dsn}
    return run_command("db", "migrate", *arguments, settings=settings)


@pytest.mark.parametrize("default_grants", ["old", "new"])
def test_a_bare_project_gets_everything_and_a_second_run_nothing(
    bare_database: ProjectDatabase, default_grants: DefaultGrants
) -> None:
    """It reports each step and file as the role postgres, who is no superuser; then the database is up to date."""
    steps = [f"applying {step}" for step in PLAN.steps]
    files = [f"installing {file.path}" for file in PLAN.files]
    with bare_database.connect() as connection:
        row = connection.execute(
            "select rolname, rolsuper from pg_catalog.pg_roles where rolname = current_user"
        ).fetchone()
    assert row == ("postgres", False)
    assert _migrate(bare_database) == Ended(
        0,
        f"Applied {len(steps)} steps, installed {len(files)} files, removed 0.\n",
        "\n".join([*steps, *files, ""]),
    )
    assert _migrate(bare_database) == Ended(0, "Nothing to do: the database is up to date.\n", "")


def test_the_default_grants_of_a_project_change_nothing_of_ours(
    database_maker: DatabaseMaker,
) -> None:
    """Where new objects are open to the API's roles by themselves, ours are closed all the same."""
    catalogs = []
    for grants in ("old", "new"):
        with database_maker.make("installed", grants) as database, database.connect() as connection:
            catalog = read_catalog(connection)
        catalogs.append(
            {
                name: [row for row in rows if "public" not in str(row[0])]
                for name, rows in catalog.items()
                if name != "default rights"
            }
        )
    assert catalogs[0] == catalogs[1]


@pytest.mark.parametrize("default_grants", ["old", "new"])
def test_the_apis_roles_have_no_right_in_our_schemas_but_for_the_rpcs(
    database: ProjectDatabase, default_grants: DefaultGrants
) -> None:
    """Neither on any relation, nor on another function than those behind the RPCs."""
    with database.connect() as connection:
        rights = connection.execute(
            """
            with ours as (
                select oid, nspname from pg_catalog.pg_namespace where nspname in ('gtr_jobs', 'procrastinate')
            )
            select r.rolname::text, o.nspname::text
            from pg_catalog.pg_roles as r, ours as o
            where has_schema_privilege(r.oid, o.oid, 'usage') and r.rolname = any(%(roles)s)
            union all
            select r.rolname, 'gtr_jobs.' || p.proname
            from pg_catalog.pg_roles as r, ours as o, pg_catalog.pg_proc as p
            where p.pronamespace = o.oid and has_function_privilege(r.oid, p.oid, 'execute')
                and r.rolname = any(%(roles)s)
            union all
            select r.rolname, c.oid::regclass::text
            from pg_catalog.pg_roles as r, ours as o, pg_catalog.pg_class as c
            where c.relnamespace = o.oid and c.relkind in ('r', 'p', 'v') and r.rolname = any(%(roles)s)
                and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
            """,
            {"roles": ["anon", "authenticated", "service_role"]},
        ).fetchall()
    assert set(rights) == {
        (role, name)
        for role in ("anon", "authenticated", "service_role")
        for name in {schema.partition(" ")[0] for schema in SCHEMAS[role]}
        | (FUNCTIONS[role] & RPC_FUNCTIONS)
    }


def test_tables_that_the_app_lacks_are_named_and_attached_when_they_come(
    empty_supabase_database: ProjectDatabase,
) -> None:
    """A project without the app's tables is installed; status lists what was left out, and then what is due."""
    database = empty_supabase_database
    done = _migrate(database)
    assert done.code == 0, done.err
    assert done.out.splitlines()[1:] == [
        f"Left out {file.path}: the app has no table {', '.join(file.tables)}. Run this again when it has."
        for file in PLAN.files
        if file.tables
    ]
    status = read_status_with(database, PLAN)
    assert status.is_up_to_date
    states = {line.what: line.state for line in status.lines}
    assert states["on/messages_insert.sql"] == "left out: no table public.messages"

    with database.connect() as connection:
        connection.execute(
            "create table public.messages"
            " (id uuid primary key, sender_id uuid, recipient_id uuid, is_read boolean)"
        )
    assert unfinished(read_status_with(database, PLAN)) == {
        "worker/unread_messages_index.sql": "pending",
        "index gtr_jobs_messages_unread on public.messages": "missing",
        "on/messages_insert.sql": "pending",
        "trigger on public.messages": "missing or disabled",
    }
    done = _migrate(database)
    assert (done.code, done.err) == (
        0,
        "installing worker/unread_messages_index.sql\ninstalling on/messages_insert.sql\n",
    )
    assert unfinished(read_status_with(database, PLAN)) == {}
    with database.connect() as connection:
        connection.execute(
            "insert into public.messages values"
            " (gen_random_uuid(), gen_random_uuid(), gen_random_uuid())"
        )
        assert connection.execute("select kind from gtr_jobs.jobs").fetchall() == [("message",)]


def test_a_database_learns_what_it_is_and_keeps_it(bare_database: ProjectDatabase) -> None:
    """Project and environment come from options or settings; a run that names none changes neither."""
    assert _migrate(bare_database, "--project", "gtr", GTR_ENVIRONMENT="production").code == 0
    assert _identity(bare_database) == ("gtr", "production")
    assert migrate_with(bare_database, PLAN).files == ()
    assert _identity(bare_database) == ("gtr", "production")


def test_a_database_is_not_told_by_mistake_that_it_is_another(database: ProjectDatabase) -> None:
    """Another project or environment is refused; the line has both names, and how to mean it."""
    for name, recorded in (("project", PROJECT), ("environment", ENVIRONMENT)):
        assert_refused(
            _migrate(database, f"--{name}", "another"),
            78,
            f"'{recorded}'",
            "'another'",
            f"GTR_{name.upper()}",
            "--change-identity",
        )
    assert _identity(database) == (PROJECT, ENVIRONMENT)


def test_a_copy_is_told_what_it_is_now(database: ProjectDatabase) -> None:
    """Where a change is meant it is made, and said."""
    changed = _migrate(database, "--change-identity", GTR_ENVIRONMENT="copy")
    assert changed.code == 0
    assert changed.err == f"recording the project ({PROJECT}) and the environment (copy)\n"
    assert _identity(database) == (PROJECT, "copy")


def test_a_server_that_is_no_supabase_is_refused(own_server: Server) -> None:
    """Without the API's roles nothing is installed, and the line says which are missing."""
    settings = {"GTR_ADMIN_DATABASE_URL": own_server.superuser_dsn()}
    refused = run_command("db", "migrate", settings=settings)
    assert_refused(refused, 78, "anon, authenticated, service_role", "GTR_ADMIN_DATABASE_URL")
    with psycopg.connect(own_server.superuser_dsn()) as connection:
        found = connection.execute(
            "select from pg_catalog.pg_namespace where nspname = 'gtr_jobs'"
        ).fetchone()
    assert found is None


_MAY_NOT = ("permission denied", "`postgres`", "GTR_ADMIN_DATABASE_URL")


@pytest.mark.parametrize("command", ["migrate", "status"])
def test_the_workers_role_is_told_which_role_may_install(
    database: ProjectDatabase, command: str
) -> None:
    """It may not read the books, whatever the command; one line says whose connection it takes."""
    settings = {"GTR_ADMIN_DATABASE_URL": database.worker_dsn}
    assert_refused(run_command("db", command, settings=settings), 78, *_MAY_NOT)


def test_a_role_without_rights_is_told_which_role_may_install(
    bare_database: ProjectDatabase,
) -> None:
    """The API's login may make no schema: it ends at the first step, and nothing is left of it."""
    settings = {"GTR_ADMIN_DATABASE_URL": bare_database.api_dsn}
    refused = run_command("db", "migrate", settings=settings)
    assert_refused(refused, 78, *_MAY_NOT, after=("applying gtr_jobs 0001 create schema",))
    assert read_books(bare_database).steps == {}


def test_the_transaction_pooler_of_a_project_is_refused() -> None:
    """Sessions do not last there, and with them neither the lock nor its limits; no connection is tried."""
    refused = run_command(
        "db",
        "migrate",
        settings={
            "GTR_ADMIN_DATABASE_URL": "postgresql://postgres.abc:x@aws-0-eu.pooler.supabase.com:6543/postgres"
        },
        timeout=5,
    )
    assert_refused(refused, 78, "GTR_ADMIN_DATABASE_URL", "6543", "5432")


def _identity(database: ProjectDatabase) -> tuple[str | None, str | None]:
    books = read_books(database)
    return books.project, books.environment
