"""Databases that have what a Supabase project has: `sql/dev` applied to a server of one's own.

The first digit of a file's number says what it is: 0 the platform (run by the superuser), 1 the app (run
as postgres, who is none, as an app's migrations are), 2 the app where Supabase lets postgres do what
plain Postgres lets the superuser only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from gtr_jobs.db.sqlfiles import sql_root
from gtr_jobs.dev.postgres import Server

DefaultGrants = Literal["old", "new"]

_ROLES_FILE = "010_roles.sql"
_GRANTS_FILES: dict[DefaultGrants, str] = {
    "old": "060_default_grants_old.sql",
    "new": "061_default_grants_new.sql",
}
_LOGIN_ROLES = ["postgres", "authenticator", "supabase_auth_admin", "supabase_storage_admin"]

_PATIENCE_SECONDS = 0.1


class UnsuitableServerError(Exception):
    """The server cannot be made to look like Supabase's."""


def create_supabase_database(
    server: Server, name: str, *, default_grants: DefaultGrants, with_app_tables: bool = True
) -> str:
    """Make a database such as a Supabase project has, and return its address for the role postgres.

    Roles belong to the whole server: the first database makes them, later ones find them.

    Args:
        server: Where; its superuser is needed.
        name: The new database's name.
        default_grants: Whether new objects in public are open to the API's roles by themselves, as they
            were until 2026 ("old"), or not ("new").
        with_app_tables: Make the app's own tables, policies, triggers and buckets too.

    Raises:
        UnsuitableServerError: The server's postgres is a superuser: what works there proves nothing.
    """
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        _make_roles(connection, server)
        connection.execute(
            sql.SQL("create database {} owner postgres template template0").format(
                sql.Identifier(name)
            )
        )
    try:
        with psycopg.connect(server.superuser_dsn(name), autocommit=True) as connection:
            for file in _files("0"):
                if file.name == _ROLES_FILE:
                    continue
                if (
                    file.name in _GRANTS_FILES.values()
                    and file.name != _GRANTS_FILES[default_grants]
                ):
                    continue
                _apply(connection, file)
        if with_app_tables:
            with psycopg.connect(server.dsn(name), autocommit=True) as connection:
                for file in _files("1"):
                    _apply(connection, file)
            with psycopg.connect(server.superuser_dsn(name), autocommit=True) as connection:
                for file in _files("2"):
                    _apply(connection, file)
    except BaseException:
        drop_database(server, name)
        raise
    return server.dsn(name)


def copy_database(server: Server, source: str, name: str) -> None:
    """Make a database that is a copy of another, to which nobody may be connected.

    Settings of the database (`alter database ... set`, `alter role ... in database ... set`) come along;
    grants on the database itself do not.
    """
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        connection.execute(
            # Files as they are, and nothing into the log: on a server that forgets, the quicker way.
            sql.SQL("create database {} owner postgres template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
        # Straight into the catalog: a list such as search_path cannot be told from one quoted name once it is stored.
        connection.execute(
            """
            insert into pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
            select copies.oid, settings.setrole, settings.setconfig
            from pg_catalog.pg_db_role_setting as settings
            join pg_catalog.pg_database as sources on sources.oid = settings.setdatabase
            join pg_catalog.pg_database as copies on copies.datname = %s
            where sources.datname = %s
            """,
            (name, source),
        )


def drop_database(server: Server, name: str) -> None:
    """Drop a database, whoever is connected to it; it need not be there."""
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as connection:
        _send_everybody_away(connection, name)
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )


def _send_everybody_away(connection: psycopg.Connection, name: str) -> None:
    """End a database's sessions and see them gone: `force` alone looks again after 100 ms only."""
    connection.execute(
        "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = %s",
        (name,),
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        left = connection.execute(
            "select from pg_catalog.pg_stat_activity where datname = %s limit 1", (name,)
        ).fetchone()
        if left is None:
            return
        time.sleep(0.001)


def _files(kind: str) -> list[Path]:
    return sorted((sql_root() / "dev").glob(f"{kind}*.sql"))


def _apply(connection: psycopg.Connection, file: Path) -> None:
    """Run a file's statements as one transaction."""
    try:
        connection.execute(file.read_bytes())
    except psycopg.Error as error:
        error.add_note(f"in {file.name}")
        raise


def _make_roles(connection: psycopg.Connection, server: Server) -> None:
    _apply(connection, sql_root() / "dev" / _ROLES_FILE)
    unsuitable = connection.execute(
        "select from pg_catalog.pg_roles where rolname = 'postgres' and rolsuper"
    ).fetchone()
    if unsuitable is not None:
        raise UnsuitableServerError(
            "postgres is a superuser on this server, and on Supabase it is none: use a server whose"
            " superuser has another name (POSTGRES_USER=supabase_admin for the postgres image)"
        )
    # A role that has a password keeps it: on somebody's local Supabase other programs log in with it.
    without_password = connection.execute(
        "select rolname from pg_catalog.pg_authid where rolname = any(%s) and rolpassword is null",
        (_LOGIN_ROLES,),
    ).fetchall()
    for (role,) in without_password:
        connection.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(role), sql.Literal(server.password)
            )
        )
