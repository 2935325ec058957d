"""Who may do what: every function, table and sequence of ours, role by role, in both of Supabase's worlds."""

from __future__ import annotations

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.rights import OPERATOR_FUNCTIONS, PRIVATE_FUNCTIONS, RPC_FUNCTIONS, WORKER_FUNCTIONS

from gtr_jobs.dev.supabase import DefaultGrants

OURS = "('gtr_jobs', 'procrastinate')"
API_ROLES = ["anon", "authenticated", "service_role"]

FUNCTIONS = f"""
    select r.role, n.nspname || '.' || p.proname
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    cross join unnest(%s::text[]) as r (role)
    where n.nspname in {OURS} and has_function_privilege(r.role, p.oid, 'execute')
"""
TABLES = """
    select r.role, c.oid::regclass::text, p.privilege
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join unnest(%s::text[]) as r (role)
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
        as p (privilege)
    where
        n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and (
            has_table_privilege(r.role, c.oid, p.privilege)
            or p.privilege in ('select', 'insert', 'update', 'references')
            and has_any_column_privilege(r.role, c.oid, p.privilege)
        )
"""
SEQUENCES = f"""
    select r.role, c.oid::regclass::text
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join unnest(%s::text[]) as r (role)
    where n.nspname in {OURS} and c.relkind = 'S'
        and has_sequence_privilege(r.role, c.oid, 'usage, select, update')
"""
SCHEMAS = f"""
    select r.role, n.nspname, p.privilege
    from pg_namespace as n
    cross join unnest(%s::text[]) as r (role)
    cross join unnest(array['usage', 'create']) as p (privilege)
    where n.nspname in {OURS} and has_schema_privilege(r.role, n.oid, p.privilege)
"""


@pytest.fixture(params=["old", "new"])
def default_grants(request: pytest.FixtureRequest) -> DefaultGrants:
    """Both of Supabase's worlds: whether new objects in public are open by themselves or not."""
    grants: DefaultGrants = request.param
    return grants


async def test_no_function_of_ours_is_everybodys(admin: AsyncConnection) -> None:
    """What the API's roles may call stands in test_privilege_matrix.py, role by role."""
    assert (
        await fetch_rows(
            admin,
            f"""
            select p.oid::regprocedure::text from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
            where n.nspname in {OURS} and a.grantee = 0
            """,
        )
        == []
    )


async def test_the_worker_can_call_what_it_needs_and_nothing_else(admin: AsyncConnection) -> None:
    """The list is the whole of its rights."""
    rows = await fetch_rows(admin, FUNCTIONS, ["gtr_worker"])
    assert {name for _, name in rows} == WORKER_FUNCTIONS


async def test_every_function_is_on_one_list(admin: AsyncConnection) -> None:
    """A function that nobody decided about is a mistake; so are two of one name."""
    rows = await fetch_rows(
        admin,
        "select 'gtr_jobs.' || proname from pg_proc where pronamespace = 'gtr_jobs'::regnamespace",
    )
    assert sorted(name for (name,) in rows) == sorted(
        WORKER_FUNCTIONS | PRIVATE_FUNCTIONS | OPERATOR_FUNCTIONS | RPC_FUNCTIONS
    )


async def test_the_worker_has_no_right_on_any_table(admin: AsyncConnection) -> None:
    """Neither the app's nor ours: it reads and writes through functions alone."""
    schemas = ["public", "gtr_jobs", "procrastinate", "auth", "storage"]
    assert await fetch_rows(admin, TABLES, ["gtr_worker"], schemas) == []


async def test_the_api_has_no_right_on_any_table_of_ours(admin: AsyncConnection) -> None:
    """Not even to see that there are any; service_role, which passes by row level security, no more."""
    assert await fetch_rows(admin, TABLES, API_ROLES, ["gtr_jobs", "procrastinate"]) == []
    assert await fetch_rows(admin, SEQUENCES, [*API_ROLES, "gtr_worker"]) == []


async def test_the_worker_may_look_into_one_schema(admin: AsyncConnection) -> None:
    """And make nothing in it."""
    assert await fetch_rows(admin, SCHEMAS, ["gtr_worker"]) == [("gtr_worker", "gtr_jobs", "usage")]


async def test_what_is_made_later_is_as_closed(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """Partitions and tables to come get nothing by default grants."""
    await worker.execute("select gtr_jobs.make_partitions(20)")
    await admin.execute("create table gtr_jobs.to_come (id bigint generated always as identity)")
    roles = [*API_ROLES, "gtr_worker"]
    assert await fetch_rows(admin, TABLES, roles, ["gtr_jobs"]) == []
    assert await fetch_rows(admin, SEQUENCES, roles) == []


async def test_every_table_of_ours_has_row_level_security(admin: AsyncConnection) -> None:
    """A second wall: a grant by mistake opens nothing. No policy lets anybody through."""
    assert (
        await fetch_rows(
            admin,
            "select oid::regclass::text from pg_class where relnamespace = 'gtr_jobs'::regnamespace"
            " and relkind in ('r', 'p') and not relrowsecurity",
        )
        == []
    )
    assert await fetch_rows(admin, f"select * from pg_policies where schemaname in {OURS}") == []


async def test_the_workers_role_has_no_attribute_that_counts(admin: AsyncConnection) -> None:
    """It is no superuser, passes by no policy, makes nothing, and belongs to nobody."""
    assert await fetch_rows(
        admin,
        """
        select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
            array(select roleid::regrole::text from pg_auth_members where member = r.oid)
        from pg_roles as r where rolname = 'gtr_worker'
        """,
    ) == [(False, False, False, False, False, [])]


async def test_the_workers_sessions_have_limits(worker: AsyncConnection) -> None:
    """They come with the role, because a pooler takes no start-up options."""
    settings = [
        "search_path",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
    ]
    assert [
        await fetch_value(worker, f"select current_setting('{name}')") for name in settings
    ] == [
        '""',
        "15s",
        "1min",
        "5s",
    ]


async def test_nothing_of_ours_is_in_a_schema_that_the_api_shows(admin: AsyncConnection) -> None:
    """Beside our triggers and indexes the app's schema stays the app's."""
    assert (
        await fetch_rows(
            admin,
            """
            select p.oid::regprocedure::text from pg_proc as p
            where p.pronamespace = 'public'::regnamespace and p.proname ~ 'gtr'
            union all
            select c.oid::regclass::text from pg_class as c
            where c.relnamespace = 'public'::regnamespace and c.relname ~ 'gtr' and c.relkind <> 'i'
            """,
        )
        == []
    )
