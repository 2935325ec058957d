"""`gtr-jobs db password` lets the worker log in, and nobody sees the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from support.command_line import Ended, assert_refused, run_command

from gtr_jobs.db.connect import Database
from gtr_jobs.db.password import worker_url
from gtr_jobs.dev.postgres import Server
from gtr_jobs.dev.supabase import create_supabase_database, drop_database

# Roles and their passwords belong to a whole server: these tests have one of their own.
_NAME = "project"
_CHOSEN = "a/b@c:d?e#f%20 ü'\"\\x"


@pytest.fixture
def project(own_server: Server) -> Iterator[str]:
    """A project's database on the module's own server, where no worker's role is yet."""
    dsn = create_supabase_database(own_server, _NAME, default_grants="new", with_app_tables=False)
    try:
        yield dsn
    finally:
        drop_database(own_server, _NAME)
        with psycopg.connect(own_server.superuser_dsn(), autocommit=True) as connection:
            connection.execute("drop role if exists gtr_worker")


@pytest.fixture
def installed(project: str) -> str:
    """The same, with gtr_jobs."""
    ended = run_command("db", "migrate", settings={"GTR_ADMIN_DATABASE_URL": project})
    assert ended.code == 0, ended.err
    return project


def _set_password(dsn: str, *arguments: str, given: bytes | None = None) -> Ended:
    settings = {"GTR_ADMIN_DATABASE_URL": dsn}
    return run_command("db", "password", *arguments, settings=settings, given=given)


def _read_url(ended: Ended) -> str:
    assert (ended.code, ended.err) == (0, "")
    (line,) = ended.out.splitlines()
    setting, _, url = line.partition("=")
    assert setting == "GTR_DATABASE_URL"
    return url


def _who(url: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute("select current_user::text, current_database()::text").fetchone()


def test_a_made_password_logs_the_worker_in_and_the_one_before_no_longer_does(
    installed: str,
) -> None:
    """What is printed is the setting, ready to use; each run makes another password."""
    first = _read_url(_set_password(installed))
    assert _who(first) == ("gtr_worker", _NAME)
    second = _read_url(_set_password(installed))
    assert _who(second) == ("gtr_worker", _NAME)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        _who(first)


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"])
def test_a_chosen_password_is_read_from_standard_input(installed: str, line_end: str) -> None:
    """Whatever signs are in it, and however the line ends."""
    given = f"{_CHOSEN}{line_end}".encode()
    url = _read_url(_set_password(installed, "--stdin", given=given))
    assert conninfo_to_dict(url)["password"] == _CHOSEN
    assert _who(url) == ("gtr_worker", _NAME)


@pytest.mark.parametrize(
    ("given", "said"),
    [(b"", "12 characters"), (b"too short\n", "12 characters"), (b"\xff" * 20, "UTF-8")],
    ids=["nothing", "short", "no text"],
)
def test_a_password_that_will_not_do_is_refused(installed: str, given: bytes, said: str) -> None:
    """It is wrong usage, nothing is set, and what was given is not repeated."""
    refused = _set_password(installed, "--stdin", given=given)
    assert_refused(refused, 2, "the password on standard input", said)
    assert "too short" not in refused.err
    with psycopg.connect(installed) as connection:
        row = connection.execute(
            "select rolcanlogin from pg_catalog.pg_roles where rolname = 'gtr_worker'"
        ).fetchone()
    assert row == (False,)


def test_before_the_installation_there_is_nobody_to_let_in(project: str) -> None:
    """The line says which command comes first."""
    assert_refused(_set_password(project), 78, "no role gtr_worker", "gtr-jobs db migrate")


def test_a_role_that_may_not_change_the_worker_is_told_who_may(
    installed: str, own_server: Server
) -> None:
    """The API's login has the rights of a client; the line names the role that it takes."""
    refused = _set_password(own_server.dsn(_NAME, "authenticator"))
    assert_refused(refused, 78, "may not change the role gtr_worker", "`postgres`")


def test_the_password_is_in_no_log_of_the_server(installed: str, own_server: Server) -> None:
    """With every statement logged, what is logged is the verifier; of the password there is nothing."""
    with psycopg.connect(own_server.superuser_dsn(_NAME), autocommit=True) as connection:
        connection.execute(f"alter database {_NAME} set log_statement = 'all'".encode())
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    file = Path(row[0]) / "server.log"
    # Statements that failed in other tests stand there too.
    known = len(file.read_bytes())
    _read_url(_set_password(installed, "--stdin", given=_CHOSEN.encode()))
    made = conninfo_to_dict(_read_url(_set_password(installed)))["password"]
    log = file.read_bytes()[known:].decode()
    hashed = re.findall(r'alter role "gtr_worker" login password \'SCRAM-SHA-256\$\d+:', log)
    assert len(hashed) == 2
    assert str(made) not in log
    # As it is, or with its quote doubled as a statement would have it.
    assert "a/b@c:d?e#f" not in log


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (
            "postgresql://postgres:x@db.abc.supabase.co:5432/postgres?sslmode=require",
            {
                "user": "gtr_worker",
                "host": "db.abc.supabase.co",
                "port": "5432",
                "dbname": "postgres",
                "sslmode": "require",
            },
        ),
        (
            "postgresql://postgres.abc:x@aws-0-eu.pooler.supabase.com:5432/postgres",
            {
                "user": "gtr_worker.abc",
                "host": "aws-0-eu.pooler.supabase.com",
                "port": "5432",
                "dbname": "postgres",
            },
        ),
        (
            "postgresql://postgres:x@[2001:db8::1]:5433/postgres",
            {"user": "gtr_worker", "host": "2001:db8::1", "port": "5433", "dbname": "postgres"},
        ),
        (
            "host=/var/run/postgresql user=postgres dbname='my project' options='-c jit=off'",
            {
                "user": "gtr_worker",
                "host": "/var/run/postgresql",
                "port": "5432",
                "dbname": "my project",
                "options": "-c jit=off",
            },
        ),
    ],
    ids=["direct", "pooler", "IPv6", "socket"],
)
def test_the_workers_address_is_the_administrators(admin: str, expected: dict[str, str]) -> None:
    """Only user and password are others; a pooler's user keeps its project."""
    url = worker_url(Database(admin, "GTR_ADMIN_DATABASE_URL"), _CHOSEN)
    assert conninfo_to_dict(url) == {**expected, "password": _CHOSEN}
