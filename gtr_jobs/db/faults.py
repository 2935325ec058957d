"""What libpq and the server say when something fails, in words for whoever has to mend it."""

from __future__ import annotations

import re
from typing import NamedTuple

import psycopg

from gtr_jobs.domain.errors import ConfigurationError, GtrError, TryAgainError

_POOLER_HINT = (
    "Supabase's direct host has IPv6 only; from an IPv4 network use the session pooler's address "
    "(port 5432) from the project's Connect page"
)


class _Fault(NamedTuple):
    """One way in which connecting fails: how it is recognised, what it means and what to do."""

    sign: str
    meaning: str
    hint: str


_TO_MEND = (
    _Fault(
        "password authentication failed",
        "wrong password or unknown user",
        "a role's own password is set with `gtr-jobs db password`, and is lost when a Supabase "
        "project is paused, restored or upgraded",
    ),
    _Fault("no password supplied", "the server wants a password", "add it after the user and a :"),
    _Fault("is not permitted to log in", "this role may not log in", "run `gtr-jobs db password`"),
    _Fault(
        r'role "[^"]*" does not exist',
        "no such role",
        "correct the user, or run gtr-jobs db migrate",
    ),
    _Fault(
        r'database "[^"]*" does not exist',
        "no such database",
        "correct the name at the end of the connection string",
    ),
    _Fault(
        "Tenant or user not found",
        "the pooler knows no such project",
        "the pooler's user is ROLE.PROJECT_REF, as the project's Connect page shows it",
    ),
    _Fault(
        "does not support SSL",
        "TLS was asked for, and the server speaks none",
        "take sslmode away only if the network is trusted",
    ),
    _Fault(
        "certificate verify failed",
        "the server's certificate is not trusted",
        "name its authority with sslrootcert=FILE in the connection string",
    ),
    _Fault(
        "does not match host name",
        "the server's certificate is for another host",
        "write the host as the certificate names it",
    ),
    _Fault(
        "root certificate file",
        "the certificate file that sslrootcert names is not there",
        "correct its path in the connection string",
    ),
    _Fault(
        "no pg_hba.conf entry.*SSL (en|on)",
        "the server does not let this user in from here",
        "see the server's pg_hba.conf, or the project's network restrictions",
    ),
    _Fault(
        "no pg_hba.conf entry.*(no encryption|SSL off)",
        "the server wants TLS",
        "put sslmode=require into the connection string",
    ),
    _Fault(
        r"invalid \S+ (value|number|option)|invalid integer value|bad value for",
        "a value in the connection string is not what libpq takes",
        "see sslmode, port and what else stands after the ?",
    ),
)
_TO_AWAIT = (
    _Fault(
        "too many (clients|connections)|connection slots|[Mm]ax clients reached"
        "|no more connections allowed|query_wait_timeout",
        "the server has no connection left",
        "end what else is connected, or raise its limit",
    ),
    _Fault(
        "the database system is|not currently accepting connections",
        "the server is starting, stopping or recovering",
        "try again in a moment",
    ),
    _Fault(
        "session is read-only|session is not read-write",
        "no server there takes writes",
        "those that answer are replicas, or full: try again when one was promoted",
    ),
    _Fault(
        "could not translate host name|failed to resolve host",
        "the host name is not known",
        "correct it, or mend the DNS",
    ),
    _Fault("timeout expired|timed out", "the server does not answer", "correct host and port"),
)


def explain_failed_connection(place: str, host: str, error: psycopg.Error) -> GtrError:
    """Turn what is said of a connection that failed into one line.

    Args:
        place: Begins the line: the setting and where it points.
        host: The host that was asked.
        error: What was raised; its text is searched, never shown.
    """
    text = " ".join(str(error).split())
    for fault in _TO_MEND:
        if re.search(fault.sign, text):
            return ConfigurationError(f"{place}: {fault.meaning}", fault.hint)
    is_supabase = ".supabase." in host
    for fault in _TO_AWAIT:
        if re.search(fault.sign, text):
            hint = _POOLER_HINT if is_supabase and "host" in fault.hint else fault.hint
            return TryAgainError(f"{place}: {fault.meaning}", hint)
    if "unreachable" in text and is_supabase:
        return TryAgainError(f"{place}: the network cannot be reached", _POOLER_HINT)
    return TryAgainError(
        f"{place}: the server cannot be reached", "start it, or correct host and port"
    )


def explain_failed_statement(what: str, error: psycopg.Error) -> GtrError:
    """Turn what the server says of a statement of an installation into one line.

    Args:
        what: Begins the line: what was being done.
        error: What was raised; only the server's own sentence is shown, never its detail.
    """
    message = error.diag.message_primary or type(error).__name__
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return ConfigurationError(
            f"{what}: {message}",
            "connect as the project's role `postgres` (GTR_ADMIN_DATABASE_URL)",
        )
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return TryAgainError(
            f"{what}: {message}", "the database is a replica, or full: run the command again later"
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return TryAgainError(f"{what}: {message}", "nothing is half done; run the command again")
    return ConfigurationError(f"{what}: {message}", "nothing is half done")
