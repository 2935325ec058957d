"""The API of a Supabase project over a test's database: the real @supabase/lite from npm, for PostgREST and for Auth.

What Supabase does not do and lite does: it hands all tables out to the API's roles, wherever it may. So it is given what
Supabase's own services have and no more: it may act as those roles, and it owns what belongs to Auth.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import jwt
import psycopg
import pytest
from psycopg import sql
from support.databases import ProjectDatabase

_FOLDER = Path(__file__).resolve().parents[1] / "node"
_COMMAND = _FOLDER / "node_modules/@supabase/lite/dist/cli/index.js"
_HOST = "127.0.0.1"
_ROLE = "supabase_lite"
# Who has no privilege at all on a table fails to grant one, and lite gives up; who has any is warned.
_RIGHTS = ("anon", "authenticated", "service_role", "supabase_auth_admin", "pg_read_all_data")
# What a project exposes unless it says otherwise.
EXPOSED = ("public", "graphql_public")
_START_ATTEMPTS = 3
_PATIENCE_SECONDS = 15

_MAKE_ROLE = """
    do $$
    begin
        -- Rights belong to the whole server, and another process may be about to give the same.
        perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('supabase_lite'));
        if not exists (select from pg_catalog.pg_roles where rolname = 'supabase_lite') then
            create role supabase_lite login;
        end if;
    end
    $$
"""


@dataclass(frozen=True, slots=True)
class Lite:
    """A running API.

    Args:
        url: Where it is.
        publishable_key: What an app carries.
        secret_key: What server code carries.
        jwt_secret: What it signs people's tokens with.
    """

    url: str
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Make a token of these claims, as Auth would."""
        return jwt.encode(dict(claims), self.jwt_secret, algorithm="HS256")


class _PortTakenError(Exception):
    """Somebody else listens on the port that was free a moment ago."""


@contextmanager
def run_lite(
    database: ProjectDatabase, folder: Path, *, exposed: Sequence[str] = EXPOSED
) -> Iterator[Lite]:
    """Run an API over a database; skips the test where lite is not installed.

    Args:
        database: Where people's rows are.
        folder: For its log.
        exposed: The schemas that it shows.
    """
    node = shutil.which("node")
    if node is None or not _COMMAND.exists():
        pytest.skip("no @supabase/lite: run `npm ci` in tests/node")
    _give_rights(database)
    process, lite = _start(node, database, exposed, folder / "lite.log")
    try:
        yield lite
    finally:
        _end(process)


def _give_rights(database: ProjectDatabase) -> None:
    role = sql.Identifier(_ROLE)
    # In the database that all have in common: in it, one waits for the other.
    with psycopg.connect(database.server.superuser_dsn()) as connection:
        connection.execute(_MAKE_ROLE)
        connection.execute(
            sql.SQL("alter role {} password {}").format(role, sql.Literal(database.server.password))
        )
        rights = sql.SQL(", ").join(map(sql.Identifier, _RIGHTS))
        connection.execute(sql.SQL("grant {} to {}").format(rights, role))
        # For its own list of migrations.
        connection.execute(
            sql.SQL("grant create on database {} to {}").format(sql.Identifier(database.name), role)
        )


def _start(
    node: str, database: ProjectDatabase, exposed: Sequence[str], log: Path
) -> tuple[subprocess.Popen[bytes], Lite]:
    attempts = _START_ATTEMPTS
    while True:
        port = _find_free_port()
        lite = Lite(
            url=f"http://{_HOST}:{port}",
            publishable_key=f"sb_publishable_{secrets.token_hex(16)}",
            secret_key=f"sb_secret_{secrets.token_hex(16)}",
            jwt_secret=secrets.token_hex(32),
        )
        with log.open("wb") as output:
            process = subprocess.Popen(
                [node, _COMMAND, "start", "--no-admin", "--config", "lite.config.mjs"],
                cwd=_FOLDER,
                env={
                    "HOME": str(log.parent),
                    "PATH": os.environ["PATH"],
                    "LITE_TELEMETRY": "0",
                    "LITE_DATABASE_URL": database.server.dsn(database.name, _ROLE),
                    "LITE_SCHEMAS": ",".join(exposed),
                    "LITE_PORT": str(port),
                    "LITE_JWT_SECRET": lite.jwt_secret,
                    "LITE_PUBLISHABLE_KEY": lite.publishable_key,
                    "LITE_SECRET_KEY": lite.secret_key,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_it_answers(process, lite, log)
        except _PortTakenError:
            attempts -= 1
            if not attempts:
                raise
        except BaseException:
            _end(process)
            raise
        else:
            return process, lite


def _wait_until_it_answers(process: subprocess.Popen[bytes], lite: Lite, log: Path) -> None:
    """Wait until it reads a table; somebody else's server on this port would not know the key."""
    request = Request(
        f"{lite.url}/rest/v1/profiles?limit=1", headers={"apikey": lite.publishable_key}
    )
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(request, timeout=_PATIENCE_SECONDS):
                return
        except (URLError, ConnectionError):
            time.sleep(0.02)
    said = log.read_text(encoding="utf-8", errors="replace")
    if "EADDRINUSE" in said:
        raise _PortTakenError
    raise AssertionError(f"lite did not answer\n{said[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
