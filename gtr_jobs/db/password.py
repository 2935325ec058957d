"""The worker's password."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from gtr_jobs.db.connect import Database
from gtr_jobs.domain.errors import ConfigurationError

WORKER_ROLE = "gtr_worker"

_PLAIN_PLACE = re.compile(r"[\w.-]*:\d+")


def set_worker_password(connection: psycopg.Connection, password: str) -> None:
    """Let the worker's role log in with this password.

    What is sent is its SCRAM verifier, made here: the password itself reaches no log of the server.

    Raises:
        ConfigurationError: The role is not there, or the connection may not change it.
    """
    verifier = connection.pgconn.encrypt_password(
        password.encode(), WORKER_ROLE.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.SQL("alter role {role} login password {verifier}").format(
        role=sql.Identifier(WORKER_ROLE), verifier=verifier
    )
    try:
        connection.execute(statement)
    except psycopg.errors.UndefinedObject:
        raise ConfigurationError(
            f"the database has no role {WORKER_ROLE}", "run gtr-jobs db migrate first"
        ) from None
    except psycopg.errors.InsufficientPrivilege:
        raise ConfigurationError(
            f"this connection may not change the role {WORKER_ROLE}",
            "connect as the project's role `postgres` (GTR_ADMIN_DATABASE_URL)",
        ) from None


def worker_url(admin: Database, password: str) -> str:
    """Give the worker's connection string: the administrator's, with another role and password."""
    known = admin.parameters()
    known.pop("password", None)
    user, host = known.pop("user", "postgres"), known.pop("host", "")
    port, database = known.pop("port", "5432"), known.pop("dbname", user)
    # A pooler's user carries the project: postgres.abcdefgh becomes gtr_worker.abcdefgh.
    _, dot, project = user.partition(".")
    place = f"{host}:{port}"
    if not _PLAIN_PLACE.fullmatch(place):
        # A socket's folder, an IPv6 address, several hosts: libpq takes them behind the ? as well.
        place, known["host"], known["port"] = "", host, port
    return (
        f"postgresql://{quote(WORKER_ROLE + dot + project, safe='')}:{quote(password, safe='')}"
        f"@{place}/{quote(database, safe='')}"
        + (f"?{urlencode(known, quote_via=quote)}" if known else "")
    )
