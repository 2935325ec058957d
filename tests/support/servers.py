"""One PostgreSQL server a test run, whoever provides it and however many processes share it.

What the environment says decides: GTR_TEST_DATABASE_URL (a superuser's address, whose superuser is not
called postgres) points at a server; without it an embedded one of the major version GTR_TEST_POSTGRES is
started, and where that version is not on the machine, a container. A run that is killed leaves an empty
folder gtr-jobs-tests-* behind; its embedded server is stopped all the same, databases on a server that
was pointed at stay until they are dropped by hand (gtr_test_*).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import psycopg
from docker import DockerClient
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer

from gtr_jobs.dev.postgres import EmbeddedServer, Server, join_server, start_server
from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError
from gtr_jobs.dev.postgres_cluster import SUPERUSER
from gtr_jobs.dev.supabase import drop_database

DEFAULT_VERSION = "18"


class _Provided(Protocol):
    """A server that is there for this run."""

    address: Server

    def leave(self, *, is_last: bool) -> None:
        """Be done with it; the last process of the run cleans up."""


class _Embedded:
    def __init__(self, server: EmbeddedServer) -> None:
        self.address = server.address
        self._server = server

    def leave(self, *, is_last: bool) -> None:
        del is_last  # it counts its users by itself, so that a killed process counts as gone
        self._server.stop()


class _Pointed:
    def __init__(self, url: str, run: str) -> None:
        self.address = read_server(url)
        self._run = run

    def leave(self, *, is_last: bool) -> None:
        if not is_last:
            return
        with psycopg.connect(self.address.superuser_dsn(), autocommit=True) as connection:
            left = connection.execute(
                "select datname from pg_catalog.pg_database where starts_with(datname, %s)",
                (database_prefix(self._run),),
            ).fetchall()
        for (name,) in left:
            drop_database(self.address, name)


class _Container:
    def __init__(self, shared: Path, version: str) -> None:
        described = shared / "container.json"
        if not described.exists():
            container = PostgresContainer(
                f"postgres:{version}", username=SUPERUSER, dbname="postgres", driver=None
            ).start()
            described.touch(mode=0o600)
            described.write_text(
                json.dumps(
                    {"id": container.get_wrapped_container().id}
                    | {"url": container.get_connection_url()}
                ),
                encoding="utf-8",
            )
        values = json.loads(described.read_text(encoding="utf-8"))
        self.address = read_server(values["url"])
        self._id: str = values["id"]
        self._described = described

    def leave(self, *, is_last: bool) -> None:
        if is_last:
            self._described.unlink()
            client = DockerClient.from_env()
            client.containers.get(self._id).remove(force=True, v=True)
            client.close()


@contextmanager
def share_server(shared: Path, run: str) -> Iterator[Server]:
    """Use the run's server: the first process to come starts it, the last to leave stops it.

    Args:
        shared: A folder that the processes of this run, and no others, have in common.
        run: A name of this run: databases on a server that others use too begin with it.
    """
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (shared / "users").open("ab") as users:
        provided: _Provided | None = None
        try:
            with only_one(shared):
                fcntl.flock(users, fcntl.LOCK_SH)
                provided = _provide(shared, run)
            yield provided.address
        finally:
            with only_one(shared):
                is_last = _is_last(users)
                if provided is not None:
                    provided.leave(is_last=is_last)
            if is_last:
                shutil.rmtree(shared, ignore_errors=True)


@contextmanager
def only_one(shared: Path) -> Iterator[None]:
    """Keep the run's other processes out; a process that dies lets them in."""
    with (shared / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def database_prefix(run: str) -> str:
    """Say how the names of a run's databases begin."""
    return f"gtr_test_{run}_"


def read_server(url: str) -> Server:
    """Read a server's address from a superuser's DSN; its password is every role's."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return Server(
        host=str(parts.get("host", "127.0.0.1")),
        port=int(parts.get("port") or 5432),
        superuser=str(parts["user"]),
        password=str(parts.get("password", "")),
        maintenance_database=str(parts.get("dbname", "postgres")),
    )


def _provide(shared: Path, run: str) -> _Provided:
    if url := os.environ.get("GTR_TEST_DATABASE_URL"):
        return _Pointed(url, run)
    version = os.environ.get("GTR_TEST_POSTGRES", DEFAULT_VERSION)
    with suppress(FileNotFoundError):
        return _Embedded(join_server(shared / "server"))
    try:
        return _Embedded(start_server(int(version), shared / "server"))
    except PostgresNotFoundError:
        if not _docker_runs():
            raise
        return _Container(shared, version)


def _docker_runs() -> bool:
    try:
        client = DockerClient.from_env()
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


def _is_last(users: BinaryIO) -> bool:
    # Nobody else comes or goes meanwhile: the caller has the lock.
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
