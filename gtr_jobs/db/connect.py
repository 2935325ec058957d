"""Connections, and what goes wrong when they are made, in words that name the setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gtr_jobs.db.faults import explain_failed_connection, explain_failed_statement
from gtr_jobs.domain.errors import ConfigurationError, GtrError

CONNECT_TIMEOUT_SECONDS = 10
# Where there is another host to ask, the first one is not waited for as long.
CONNECT_TIMEOUT_OF_SEVERAL_SECONDS = 3

_DEFAULT_PORT = "5432"
_TRANSACTION_POOLER_PORT = "6543"

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
        hosts = ",".join(f"{host or 'the local socket'}:{port}" for host, port in self.hosts())
        return f"{user}@{hosts}/{known.get('dbname', user)}"

    def hosts(self) -> list[tuple[str, str]]:
        """List the hosts that are asked, in their order, each with its port.

        Raises:
            ConfigurationError: There are neither one port nor as many as hosts.
        """
        known = self.parameters()
        hosts = (known.get("host") or known.get("hostaddr") or "").split(",")
        ports = (known.get("port") or _DEFAULT_PORT).split(",")
        if len(ports) not in {1, len(hosts)}:
            raise ConfigurationError(
                f"{self.setting} has {len(hosts)} hosts and {len(ports)} ports",
                "write them as host1:5432,host2:5432",
            )
        if len(ports) == 1:
            ports *= len(hosts)
        return [(host, port or _DEFAULT_PORT) for host, port in zip(hosts, ports, strict=True)]

    def has_transaction_port(self) -> bool:
        """Whether it points at the port of Supabase's transaction pooler."""
        return any(port == _TRANSACTION_POOLER_PORT for _, port in self.hosts())

    def __repr__(self) -> str:
        return f"Database(setting={self.setting!r})"


def connect(database: Database) -> psycopg.Connection:
    """Open one connection in autocommit mode.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server is away.
    """
    parameters = bound_parameters(database)
    try:
        return psycopg.connect(**parameters, autocommit=True)
    except psycopg.Error as error:
        raise explain_connection_error(database, error) from None


async def connect_async(database: Database) -> psycopg.AsyncConnection:
    """Open one connection in autocommit mode, without blocking the loop.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server is away.
    """
    parameters = bound_parameters(database)
    try:
        return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
    except psycopg.Error as error:
        raise explain_connection_error(database, error) from None


def bound_parameters(database: Database) -> dict[str, Any]:
    """Give the connection string's parts with our limit to connecting, unless it brings its own.

    A server that is gone without a word is noticed by the kernel after half a minute, not after two hours.
    """
    several = len(database.hosts()) > 1
    known = {
        "connect_timeout": str(
            CONNECT_TIMEOUT_OF_SEVERAL_SECONDS if several else CONNECT_TIMEOUT_SECONDS
        ),
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
    }
    return known | database.parameters()


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
