"""A connection that cannot be made is one line that names the setting and what to do."""

from __future__ import annotations

import psycopg
import pytest
from support.connecting import SECRET, Connecting
from support.databases import ProjectDatabase
from support.deaf_server import hold_port, listen_and_say_nothing

from gtr_jobs.db.connect import Database, connect, connect_async
from gtr_jobs.domain.errors import ConfigurationError

_LOGIN = f"postgresql://postgres:{SECRET}"


def test_no_address_at_all(command: Connecting) -> None:
    """It says where the address is to be had."""
    command.assert_refused(None, 78, "is not set")
    command.assert_refused("", 78, "is not set")


def test_an_address_that_is_none(command: Connecting) -> None:
    """A password with a slash that was not escaped is not shown as part of what follows it."""
    dsn = f"postgresql://postgres:12/{SECRET}@127.0.0.1:5432/postgres"
    command.assert_refused(dsn, 78, "is no PostgreSQL connection string", "%40")


@pytest.mark.parametrize(
    "dsn",
    [
        "no connection string",
        "mysql://root@127.0.0.1/x",
        f"postgresql://postgres:{SECRET}/more@127.0.0.1:5432/postgres",
        f"postgresql://postgres:p@{SECRET}@127.0.0.1:5432/postgres",
        f"postgresql://postgres:{SECRET}%zz@127.0.0.1:5432/postgres",
        f"host=127.0.0.1 password='{SECRET}",
    ],
    ids=["words", "another kind", "a slash", "an at", "a bad escape", "an open quote"],
)
def test_what_looks_like_an_address_and_is_none(dsn: str) -> None:
    """Whatever is wrong with it, nothing of it is shown."""
    with pytest.raises(ConfigurationError) as refused:
        connect(Database(dsn, "GTR_DATABASE_URL"))
    assert str(refused.value) == (
        "GTR_DATABASE_URL is no PostgreSQL connection string: write it as "
        "postgresql://user:password@host:5432/postgres "
        "(signs such as @ : / in the password as %40 %3A %2F)"
    )


@pytest.mark.parametrize(
    "rest", ["sslmode=sometimes", "connect_timeout=soon", "target_session_attrs=x"]
)
async def test_an_address_with_a_value_that_means_nothing(rest: str) -> None:
    """It points behind the question mark, however the connection is made."""
    database = Database(f"{_LOGIN}@127.0.0.1:1/postgres?{rest}", "GTR_DATABASE_URL")
    with pytest.raises(ConfigurationError, match="what libpq takes"):
        connect(database)
    with pytest.raises(ConfigurationError, match="what libpq takes"):
        await connect_async(database)


def test_a_port_at_which_nobody_listens(command: Connecting) -> None:
    """The server may come back: try again."""
    with hold_port() as port:
        command.assert_refused(
            f"{_LOGIN}@127.0.0.1:{port}/postgres",
            75,
            f"postgres@127.0.0.1:{port}/postgres",
            "cannot be reached",
            "host and port",
        )


def test_a_host_that_does_not_answer(command: Connecting) -> None:
    """It gives up after the time that the address allows, or after ten seconds."""
    with listen_and_say_nothing() as port:
        dsn = f"{_LOGIN}@127.0.0.1:{port}/postgres?connect_timeout=2"
        command.assert_refused(dsn, 75, "does not answer", "host and port")


def test_a_host_that_nobody_knows(command: Connecting) -> None:
    """The name is wrong, or the resolver is away."""
    command.assert_refused(
        f"{_LOGIN}@nowhere.invalid/postgres", 75, "host name is not known", "DNS"
    )


def test_a_wrong_password(command: Connecting, database: ProjectDatabase) -> None:
    """It says how a role of one's own gets its password, and when it loses it."""
    dsn = f"{_LOGIN}@{database.server.host}:{database.server.port}/{database.name}"
    command.assert_refused(dsn, 78, "wrong password or unknown user", "gtr-jobs db password")


def test_a_database_that_is_not_there(command: Connecting, database: ProjectDatabase) -> None:
    """It says where the name stands."""
    command.assert_refused(database.server.dsn("nowhere"), 78, "no such database", "at the end of")


def test_a_role_that_may_not_log_in(command: Connecting, database: ProjectDatabase) -> None:
    """It has a password, and still may not: the command that lets it in is named."""
    role = f"gtr_test_{database.name}"
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            f"create role {role} nologin password '{database.server.password}'".encode()
        )
        try:
            command.assert_refused(
                database.server.dsn(database.name, role),
                78,
                "may not log in",
                "gtr-jobs db password",
            )
        finally:
            connection.execute(f"drop role {role}".encode())


def test_a_server_that_is_full(command: Connecting, database: ProjectDatabase) -> None:
    """Somebody else has the last connection: try again."""
    dsn = {"GTR_DATABASE_URL": database.worker_dsn}.get(command.setting, database.dsn)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"alter database {database.name} connection limit 0".encode())
    command.assert_refused(dsn, 75, "no connection left")


def test_several_hosts_of_which_one_answers(
    command: Connecting, bare_database: ProjectDatabase
) -> None:
    """The one that is away is passed over; where nobody takes writes, that is said."""
    there = f"{bare_database.server.host}:{bare_database.server.port}"
    own = {"GTR_DATABASE_URL": bare_database.worker_dsn}.get(command.setting, bare_database.dsn)
    with hold_port() as port:
        several = own.replace(f"@{there}/", f"@127.0.0.1:{port},{there}/")
        ended = command.run(f"{several}?target_session_attrs=read-write&connect_timeout=2")
        assert "cannot be reached" not in ended.err
        command.assert_refused(
            f"{_LOGIN}@127.0.0.1:{port},127.0.0.1:{port}/postgres",
            75,
            f"postgres@127.0.0.1:{port},127.0.0.1:{port}/postgres",
            "cannot be reached",
        )


def test_several_hosts_of_which_none_takes_writes(
    command: Connecting, database: ProjectDatabase
) -> None:
    """All are replicas: it may be that one is promoted soon."""
    own = {"GTR_DATABASE_URL": database.worker_dsn}.get(command.setting, database.dsn)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            f"alter database {database.name} set default_transaction_read_only = on".encode()
        )
    command.assert_refused(
        f"{own}?target_session_attrs=read-write", 75, "no server there takes writes"
    )
