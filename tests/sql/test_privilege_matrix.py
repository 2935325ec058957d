"""Every role against every object of ours and of the queue's, and every verb: what support/rights.py has, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_service_role, as_user
from support.databases import ProjectDatabase
from support.jobs import fetch_rows
from support.people import create_person
from support.rights import FUNCTIONS, PEOPLES_RPCS, SCHEMAS, SERVERS_RPCS

from gtr_jobs.dev.supabase import DefaultGrants

Caller = Literal["anon", "A", "B", "service_role", "gtr_worker"]
CALLERS: dict[Caller, str] = {
    "anon": "anon",
    "A": "authenticated",
    "B": "authenticated",
    "service_role": "service_role",
    "gtr_worker": "gtr_worker",
}
ROLES = sorted(set(CALLERS.values()))
OURS = "('gtr_jobs', 'procrastinate')"
RPCS = sorted(PEOPLES_RPCS | SERVERS_RPCS)

# Rights that are held, as has_…_privilege() sees them: through roles and through everybody too.
HELD_ON_SCHEMAS = f"""
    select r.role, n.nspname || ' ' || v.verb
    from pg_namespace as n
    cross join unnest(%s::text[]) as r (role)
    cross join unnest(array['usage', 'create']) as v (verb)
    where n.nspname in {OURS} and has_schema_privilege(r.role, n.oid, v.verb)
"""
HELD_ON_FUNCTIONS = f"""
    select r.role, n.nspname || '.' || p.proname
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    cross join unnest(%s::text[]) as r (role)
    where
        (n.nspname in {OURS} or n.nspname = 'public' and p.proname = any(%s))
        and has_function_privilege(r.role, p.oid, 'execute')
"""
HELD_ON_RELATIONS = f"""
    select r.role, c.oid::regclass::text, v.verb
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join unnest(%s::text[]) as r (role)
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
        as v (verb)
    where
        n.nspname in {OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and (
            has_table_privilege(r.role, c.oid, v.verb)
            or v.verb in ('select', 'insert', 'update', 'references')
            and has_any_column_privilege(r.role, c.oid, v.verb)
        )
    union all
    select r.role, c.oid::regclass::text, v.verb
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join unnest(%s::text[]) as r (role)
    cross join unnest(array['usage', 'select', 'update']) as v (verb)
    where n.nspname in {OURS} and c.relkind = 'S' and has_sequence_privilege(r.role, c.oid, v.verb)
"""

# Statements to try, one a verb; `where false` and `limit 0` change nothing should one of them be allowed.
TRIED_ON_RELATIONS = rf"""
    select
        case
            when c.relkind = 'S' then
                array['select last_value from %s', 'select nextval(''%s'')', 'select setval(''%s'', 1)']
            when c.relkind = 'v' then array['select 1 from %s limit 0']
            else array[
                'select 1 from %s limit 0',
                'insert into %s overriding system value select * from %s limit 0',
                'update %s set ' || quote_ident(a.attname) || ' = default where false',
                'delete from %s where false',
                'truncate %s',
                'lock table %s in access exclusive mode',
                'create trigger mine before update on %s for each row '
                    || 'execute function pg_catalog.suppress_redundant_updates_trigger()'
            ]
        end,
        c.oid::regclass::text
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_attribute as a on a.attrelid = c.oid and a.attnum = 1
    where n.nspname in {OURS} and c.relkind in ('r', 'p', 'v', 'S')
"""
TRIED_ON_FUNCTIONS = f"""
    select
        n.nspname || '.' || p.proname,
        format(
            'select %%I.%%I(%%s)', n.nspname, p.proname,
            (
                select string_agg('null::' || format_type(t.type, null), ', ' order by t.place)
                from unnest(p.proargtypes::oid[]) with ordinality as t (type, place)
            )
        )
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname in {OURS} or n.nspname = 'public' and p.proname = any(%s)
"""


@pytest.fixture(params=["old", "new"])
def default_grants(request: pytest.FixtureRequest) -> DefaultGrants:
    """Both of Supabase's worlds: whether new objects in public are open by themselves or not."""
    grants: DefaultGrants = request.param
    return grants


@pytest.fixture
async def people(admin: AsyncConnection) -> dict[Caller, UUID]:
    """A and B."""
    return {
        "A": await create_person(admin, "a", "A"),
        "B": await create_person(admin, "b", "B"),
    }


@pytest.fixture(params=CALLERS)
async def caller(
    request: pytest.FixtureRequest, database: ProjectDatabase, people: dict[Caller, UUID]
) -> AsyncIterator[tuple[Caller, AsyncConnection]]:
    """Each of those who come in, in a transaction as they would have it."""
    name: Caller = request.param
    login = "gtr_worker" if name == "gtr_worker" else "authenticator"
    async with (
        await database.connect_async(login) as connection,
        _in_the_role_of(name, connection, people),
    ):
        yield name, connection


def _in_the_role_of(
    name: Caller, connection: AsyncConnection, people: dict[Caller, UUID]
) -> AbstractAsyncContextManager[object]:
    match name:
        case "anon":
            return as_anon(connection)
        case "A" | "B":
            return as_user(connection, people[name])
        case "service_role":
            return as_service_role(connection)
        case "gtr_worker":
            return connection.transaction()


async def test_the_roles_hold_the_rights_that_are_listed_and_no_other(
    admin: AsyncConnection,
) -> None:
    """Schemas, functions, tables, views, columns and sequences; partitions of days to come too."""
    await admin.execute("select gtr_jobs.make_partitions(20)")
    schemas = await fetch_rows(admin, HELD_ON_SCHEMAS, ROLES)
    functions = await fetch_rows(admin, HELD_ON_FUNCTIONS, ROLES, RPCS)
    assert _by_role(schemas) == SCHEMAS
    assert _by_role(functions) == FUNCTIONS
    assert await fetch_rows(admin, HELD_ON_RELATIONS, ROLES, ROLES) == []


async def test_no_verb_on_any_relation_is_allowed_to_anybody(
    admin: AsyncConnection, caller: tuple[Caller, AsyncConnection]
) -> None:
    """Tried, not looked up: each verb on each table, view and sequence is a refusal."""
    _, connection = caller
    rows = await fetch_rows(admin, TRIED_ON_RELATIONS.replace("%", "%%"))
    statements = [
        statement.replace("%s", name) for templates, name in rows for statement in templates
    ]
    assert len(statements) > 100
    assert await _allowed(connection, statements) == []


async def test_every_function_that_is_not_granted_is_refused(
    admin: AsyncConnection, caller: tuple[Caller, AsyncConnection]
) -> None:
    """Called, not looked up: the queue's functions, triggers' and the other roles' RPCs among them."""
    name, connection = caller
    rows = await fetch_rows(admin, TRIED_ON_FUNCTIONS, RPCS)
    granted = FUNCTIONS[CALLERS[name]]
    assert granted <= {function for function, _ in rows}
    calls = [call for function, call in rows if function not in granted]
    assert len(calls) > 20
    assert await _allowed(connection, calls) == []


async def test_nothing_can_be_made_in_our_schemas(
    caller: tuple[Caller, AsyncConnection],
) -> None:
    """Nor can the schemas be changed."""
    _, connection = caller
    statements = [
        statement.format(schema=schema)
        for schema in ("gtr_jobs", "procrastinate")
        for statement in (
            "create table {schema}.mine (id integer)",
            "create function {schema}.mine() returns integer language sql as 'select 1'",
            "drop schema {schema} cascade",
        )
    ]
    assert await _allowed(connection, statements) == []


async def test_a_functions_own_schema_is_needed_to_call_it(
    caller: tuple[Caller, AsyncConnection],
) -> None:
    """The public key reaches nothing in gtr_jobs; who is signed in reaches what stands behind their RPCs."""
    name, connection = caller
    rows = await fetch_rows(
        connection,
        "select p.proname::text from pg_proc as p where p.pronamespace = 'gtr_jobs'::regnamespace"
        " and has_schema_privilege('gtr_jobs', 'usage') and has_function_privilege(p.oid, 'execute')",
    )
    ours = {function for function in FUNCTIONS[CALLERS[name]] if function.startswith("gtr_jobs.")}
    assert {f"gtr_jobs.{function}" for (function,) in rows} == ours


async def _allowed(connection: AsyncConnection, statements: list[str]) -> list[str]:
    """Try statements and list those that were not refused for want of a right."""
    allowed = []
    for statement in statements:
        try:
            async with connection.transaction(force_rollback=True):
                await connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            continue
        except psycopg.Error as error:
            allowed.append(f"{statement}: {error.sqlstate}")
        else:
            allowed.append(statement)
    return allowed


def _by_role(rows: list[tuple[str, str]]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {role: set() for role in ROLES}
    for role, right in rows:
        held[role].add(right)
    return held
