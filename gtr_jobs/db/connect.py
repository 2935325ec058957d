"""Connections, and what goes wrong when they are made, in words that name the setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gtr_jobs.db.faults import explain_failed_connection, explain_failed_statement
from gtr_jobs.domain.errors import ConfigurationError, GtrError

CONNECT_TIMEOUT_SECONDS = 10

# A password whose signs were not written as %40 and the like is read as part of what follows it.
_PLAIN = {
    "host": re.compile(r"/[^@]*|[\w.:%,-]*"),
    "port": re.compile(r"[\d,]*"),
    "dbname": re.compile(r"[^@]*"),
}


@dataclass(frozen=True, slots=True)
class Database:
    """Where the database is, and which setting says so.

    Args:
        dsn: libpq connection string or URL; holds a password, never shown.
        setting: Name of the setting that it comes from, for messages.
    """

    dsn: str
    setting: str

    def parameters(self) -> dict[str, str]:
        """Read the connection string.

        Raises:
            ConfigurationError: It is none.
        """
        try:
            known = {name: str(value) for name, value in conninfo_to_dict(self.dsn).items()}
        except psycopg.ProgrammingError:
            known = None
        if known is None or not all(
            plain.fullmatch(known.get(name, "")) for name, plain in _PLAIN.items()
        ):
            raise ConfigurationError(
                f"{self.setting} is no PostgreSQL connection string",
                "write it as postgresql://user:password@host:5432/postgres "
                "(signs such as @ : / in the password as %40 %3A %2F)",
            )
        return known

    def describe(self) -> str:
        """Say where the database is, without its password."""
        known = self.parameters()
        user = known.get("user", "")
        host = known.get("host") or known.get("hostaddr") or "the local socket"
        port = known.get("port", "5432")
        return f"{user}@{host}:{port}/{known.get('dbname', user)}"

    def __repr__(self) -> str:
        return f"Database(setting={self.setting!r})"


def connect(database: Database) -> psycopg.Connection:
    """Open one connection in autocommit mode.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server is away.
    """
    conninfo = _bound(database)
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise explain_connection_error(database, error) from None


async def connect_async(database: Database) -> psycopg.AsyncConnection:
    """Open one connection in autocommit mode, without blocking the loop.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server is away.
    """
    conninfo = _bound(database)
    try:
        return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise explain_connection_error(database, error) from None


def _bound(database: Database) -> str:
    """Give the connection string with our limit to connecting, unless it brings its own."""
    known = {"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)}
    return make_conninfo(**(known | database.parameters()))


@contextmanager
def administer(database: Database) -> Iterator[psycopg.Connection]:
    """Open one connection as `connect` does, close it in the end, and put what breaks in words.

    Raises:
        ConfigurationError: The connection cannot be made as it is set, or its role may not do what was asked.
        TryAgainError: The server is away, or went away.
    """
    with connect(database) as connection:
        try:
            yield connection
        except psycopg.Error as error:
            place = f"{database.setting} ({database.describe()})"
            raise explain_failed_statement(place, error) from error


def explain_connection_error(database: Database, error: psycopg.Error) -> GtrError:
    """Turn what libpq says of a connection that failed into one line: the setting, and what to do."""
    place = f"{database.setting} ({database.describe()})"
    return explain_failed_connection(place, database.parameters().get("host", ""), error)
