"""The local database has what a Supabase project has, as far as the project's SQL can tell."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from support.api import as_anon, as_service_role, as_user
from support.databases import DatabaseMaker, ProjectDatabase

from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.supabase import create_supabase_database, drop_database

_BOTH_GRANTS = pytest.mark.parametrize("default_grants", ["old", "new"])

_APP_TABLES = (
    "comment_likes",
    "community_media",
    "conversations",
    "event_favorites",
    "event_images",
    "event_rsvps",
    "events",
    "forum_comments",
    "forum_notification_mutes",
    "forum_posts",
    "listing_favorites",
    "listing_images",
    "listings",
    "media_comments",
    "media_likes",
    "messages",
    "notification_preferences",
    "notifications",
    "phone_verification_codes",
    "post_likes",
    "profiles",
    "saved_searches",
    "user_device_tokens",
)


def _fetch(database: ProjectDatabase, query: str, role: str = "postgres") -> list[Any]:
    with database.connect(role) as connection:
        return connection.execute(query).fetchall()


def test_roles_have_the_attributes_that_they_have_on_supabase(
    bare_database: ProjectDatabase,
) -> None:
    """Only supabase_admin is a superuser; postgres and service_role pass by row level security."""
    roles = _fetch(
        bare_database,
        """
        select rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin, rolinherit
        from pg_catalog.pg_roles
        where rolname in (
            'supabase_admin', 'postgres', 'anon', 'authenticated', 'service_role', 'authenticator', 'supabase_auth_admin',
            'supabase_storage_admin'
        )
        order by rolname
        """,
    )
    assert roles == [
        ("anon", False, False, False, False, False, False, True),
        ("authenticated", False, False, False, False, False, False, True),
        ("authenticator", False, False, False, False, False, True, False),
        ("postgres", False, True, True, True, True, True, True),
        ("service_role", False, False, False, False, True, False, True),
        ("supabase_admin", True, True, True, True, True, True, True),
        ("supabase_auth_admin", False, True, False, False, False, True, False),
        ("supabase_storage_admin", False, True, False, False, False, True, False),
    ]


def test_sessions_have_the_limits_that_they_have_on_supabase(
    bare_database: ProjectDatabase,
) -> None:
    """The role's own settings come before the database's two minutes, in a copied database too."""
    query = """
        select
            current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('search_path'),
            current_setting('pgrst.db_schemas')
    """
    assert {
        role: _fetch(bare_database, query, role)[0] for role in ("postgres", "authenticator")
    } == {
        "postgres": ("2min", "0", '"$user", public, extensions', "public,graphql_public"),
        "authenticator": ("8s", "8s", '"$user", public', "public, graphql_public"),
    }


async def test_api_roles_have_their_timeouts_and_claims(bare_database: ProjectDatabase) -> None:
    """What PostgREST sets for a caller is there, and gone after the transaction."""
    user_id = uuid4()
    query = b"""
        select current_user, auth.uid(), auth.role(), current_setting('statement_timeout'), current_setting('request.headers')
    """
    connection = await bare_database.connect_async("authenticator")
    async with connection:
        async with as_user(connection, user_id, headers={"Traceparent": "00-a"}):
            user = await (await connection.execute(query)).fetchone()
        async with as_anon(connection):
            anon = await (await connection.execute(query)).fetchone()
        async with as_service_role(connection):
            service = await (await connection.execute(query)).fetchone()
        after = await (
            await connection.execute("select current_user, current_setting('request.jwt.claims')")
        ).fetchone()
    assert [user, anon, service, after] == [
        ("authenticated", user_id, "authenticated", "8s", '{"traceparent": "00-a"}'),
        ("anon", None, "anon", "3s", "{}"),
        ("service_role", None, "service_role", "8s", "{}"),
        ("authenticator", ""),
    ]


@_BOTH_GRANTS
def test_new_objects_in_public_are_open_by_themselves_only_with_the_old_default_grants(
    bare_database: ProjectDatabase, default_grants: str
) -> None:
    """With the new ones the API's roles cannot read, write or draw numbers; executing stays everybody's."""
    with bare_database.connect() as connection:
        connection.execute("create table public.fresh (id bigserial primary key)")
        connection.execute("create function public.fresh_fn() returns int language sql return 1")
        rights = connection.execute(
            """
            select
                role,
                has_table_privilege(role, 'public.fresh', 'select'),
                has_table_privilege(role, 'public.fresh', 'insert'),
                has_table_privilege(role, 'public.fresh', 'truncate'),
                has_sequence_privilege(role, 'public.fresh_id_seq', 'usage'),
                has_function_privilege(role, 'public.fresh_fn()', 'execute')
            from unnest(array['anon', 'authenticated', 'service_role']) as role
            """
        ).fetchall()
        is_granted_to_anon = connection.execute(
            """
            select exists (
                select
                from pg_catalog.aclexplode(coalesce(proacl, pg_catalog.acldefault('f', proowner)))
                where grantee = 'anon'::regrole
            )
            from pg_catalog.pg_proc
            where proname = 'fresh_fn'
            """
        ).fetchone()
    is_open = default_grants == "old"
    assert rights == [
        (role, is_open, is_open, True, is_open, True)
        for role in ("anon", "authenticated", "service_role")
    ]
    assert is_granted_to_anon == (is_open,)


@_BOTH_GRANTS
async def test_the_apps_tables_are_open_to_the_api_with_either_default_grants(
    bare_database: ProjectDatabase,
) -> None:
    """They were made before grants stopped coming by themselves, and keep theirs."""
    connection = await bare_database.connect_async("authenticator")
    async with connection, as_anon(connection):
        cursor = await connection.execute("select count(*) from public.listings")
        assert await cursor.fetchone() == (0,)


def test_every_table_in_public_has_row_level_security(bare_database: ProjectDatabase) -> None:
    """A table without it would be open to everybody with the public key."""
    tables = _fetch(
        bare_database,
        "select relname, relrowsecurity from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    )
    assert dict(tables) == dict.fromkeys(_APP_TABLES, True)


def test_postgres_cannot_make_tables_in_the_platforms_schemas(
    bare_database: ProjectDatabase,
) -> None:
    """It may read accounts, point at them and put triggers on them, and owns nothing there."""
    with bare_database.connect() as connection:
        for schema in ("auth", "storage", "realtime"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"create table {schema}.mine (id int)".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("alter table auth.users add column mine int")
        connection.execute(
            "create function public.watch() returns trigger language plpgsql as 'begin return new; end'"
        )
        connection.execute(
            "create trigger watch after insert on auth.users for each row execute function public.watch()"
        )
        connection.execute(
            "create trigger watch after insert on storage.objects for each row execute function public.watch()"
        )
        assert connection.execute("select count(*) from auth.users").fetchone() == (0,)


def test_storage_refuses_to_delete_rows_directly(bare_database: ProjectDatabase) -> None:
    """A deleted row would leave its file behind: the API deletes both."""
    with bare_database.connect() as connection:
        connection.execute(
            "insert into storage.objects (bucket_id, name) values ('avatars', 'someone/picture.tar.gz')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Direct deletion"):
            connection.execute("delete from storage.objects where bucket_id = 'avatars'")
        parts = connection.execute(
            "select storage.foldername(name), storage.filename(name), storage.extension(name) from storage.objects"
        ).fetchall()
    assert parts == [(["someone"], "picture.tar.gz", "gz")]


def test_authenticator_may_do_nothing_before_it_sets_a_role(
    bare_database: ProjectDatabase,
) -> None:
    """It is a member of the API's roles and inherits nothing from them."""
    with bare_database.connect("authenticator") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select from public.listings")
        connection.execute("set role anon")
        assert connection.execute("select from public.listings").fetchall() == []


@_BOTH_GRANTS
def test_the_worker_logs_in_where_gtr_jobs_is_installed(database: ProjectDatabase) -> None:
    """The role that the migrations make has the run's password, and row level security against it."""
    with psycopg.connect(database.worker_dsn) as connection:
        row = connection.execute(
            "select rolname, rolbypassrls, rolsuper from pg_catalog.pg_roles where rolname = current_user"
        ).fetchone()
    assert row == ("gtr_worker", False, False)


def test_a_wrong_password_is_refused(bare_database: ProjectDatabase) -> None:
    """Over TCP nobody gets in by name alone."""
    wrong = bare_database.dsn.replace(bare_database.server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_second_database_can_be_made_on_the_same_server(
    postgres_server: Server, database_maker: DatabaseMaker
) -> None:
    """Roles are the whole server's: the next database finds them and makes the rest."""
    for number in range(2):
        name = f"gtr_test_{database_maker.run}_again_{next(database_maker.names)}_{number}"
        dsn = create_supabase_database(postgres_server, name, default_grants="new")
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                row = connection.execute("select current_user, current_database()").fetchone()
            assert row == ("postgres", name)
        finally:
            drop_database(postgres_server, name)


def test_an_empty_project_has_no_table_of_the_app(
    empty_supabase_database: ProjectDatabase,
) -> None:
    """What Supabase gives is there, and public is empty and postgres' own to fill."""
    query = "select schemaname, tablename from pg_catalog.pg_tables where schemaname in ('public', 'auth', 'storage') order by 1, 2"
    assert _fetch(empty_supabase_database, query) == [
        ("auth", "users"),
        ("storage", "buckets"),
        ("storage", "objects"),
    ]
    with empty_supabase_database.connect() as connection:
        connection.execute("create table public.mine (id int)")
