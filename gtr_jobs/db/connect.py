"""Connections, and what goes wrong when they are made, in words that name the setting."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gtr_jobs.domain.errors import ConfigurationError, GtrError, TryAgainError

CONNECT_TIMEOUT_SECONDS = 10

_POOLER_HINT = (
    "Supabase's direct host has IPv6 only; from an IPv4 network use the session pooler's address "
    "(port 5432) from the project's Connect page"
)


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
            return {name: str(value) for name, value in conninfo_to_dict(self.dsn).items()}
        except psycopg.ProgrammingError:
            raise ConfigurationError(
                f"{self.setting} is no PostgreSQL connection string",
                "write it as postgresql://user:password@host:5432/postgres "
                "(signs such as @ : / in the password as %40 %3A %2F)",
            ) from None

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
    database.parameters()
    try:
        return psycopg.connect(
            database.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.OperationalError as error:
        raise explain_connection_error(database, error) from None


async def connect_async(database: Database) -> psycopg.AsyncConnection:
    """Open one connection in autocommit mode, without blocking the loop.

    Raises:
        ConfigurationError: The address, the user, the password or TLS is wrong.
        TryAgainError: The server is away.
    """
    database.parameters()
    try:
        return await psycopg.AsyncConnection.connect(
            database.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.OperationalError as error:
        raise explain_connection_error(database, error) from None


# What libpq and the server say, and what that means to whoever set the setting.
_CONFIGURATION_FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        "password authentication failed",
        "wrong password or unknown user",
        (
            "a role's own password is set with `gtr-jobs db password`, and is lost when a Supabase "
            "project is paused, restored or upgraded"
        ),
    ),
    ("no password supplied", "the server wants a password", "add it to the connection string"),
    ("is not permitted to log in", "this role may not log in", "run `gtr-jobs db password`"),
    ("no encryption", "the server wants TLS", "add ?sslmode=require to the connection string"),
    ("SSL off", "the server wants TLS", "add ?sslmode=require to the connection string"),
    (
        "does not support SSL",
        "TLS was asked for, and the server speaks none",
        "take sslmode=require away only if the network is trusted",
    ),
    (
        "certificate verify failed",
        "the server's certificate is not trusted",
        "name its authority with sslrootcert=FILE in the connection string",
    ),
    (
        "root certificate file",
        "the certificate file that sslrootcert names is not there",
        "correct its path in the connection string",
    ),
    ("database", "no such database", "correct the name at the end of the connection string"),
    (
        "Tenant or user not found",
        "the pooler knows no such project",
        "the pooler's user is ROLE.PROJECT_REF, as the project's Connect page shows it",
    ),
)


def explain_connection_error(database: Database, error: psycopg.Error) -> GtrError:
    """Turn what libpq says of a connection that failed into one line: the setting, and what to do."""
    text = str(error)
    place = f"{database.setting} ({database.describe()})"
    for sign, meaning, hint in _CONFIGURATION_FAULTS:
        if sign in text and (sign != "database" or "does not exist" in text):
            return ConfigurationError(f"{place}: {meaning}", hint)
    if "could not translate host name" in text or "failed to resolve host" in text:
        return TryAgainError(f"{place}: the host name is not known", "correct it, or mend the DNS")
    if "unreachable" in text and ".supabase.co" in database.describe():
        return TryAgainError(f"{place}: the network cannot be reached", _POOLER_HINT)
    return TryAgainError(
        f"{place}: the server cannot be reached",
        "start it, or correct host and port",
    )
