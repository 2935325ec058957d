"""A server for one test alone, which may be stopped, crashed, copied, restored, followed and filled up.

Nothing that was committed may be forgotten in a crash, so these servers are durable ones. Their calls block:
a test whose loop has something to do meanwhile makes them in a thread.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from support.databases import ProjectDatabase
from support.installed import install_gtr_jobs
from support.servers import DEFAULT_VERSION

from gtr_jobs.dev.postgres import EmbeddedServer, _describe, _find_free_port, start_server
from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError, find_binaries
from gtr_jobs.dev.postgres_cluster import (
    SUPERUSER,
    Cluster,
    PostgresFailedError,
    lay_out,
    run_program,
)
from gtr_jobs.dev.postgres_guard import set_guard, take_lease
from gtr_jobs.dev.supabase import create_supabase_database

# Newer programs copy older servers; not every build has this one.
_COPIERS = (15, 16, 17, 18)


@dataclass(frozen=True, slots=True)
class ProjectServer:
    """A server of a test's own with one project's database, in which gtr_jobs is installed.

    Args:
        server: The server.
        database: The database.
    """

    server: EmbeddedServer
    database: ProjectDatabase

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return self.server.address.port

    def dsn_through(self, port: int, role: str = "gtr_worker") -> str:
        """Write the database's address for a role, by way of another port of this machine."""
        return self.database.server.dsn(self.database.name, role).replace(
            f":{self.port}/", f":{port}/"
        )

    def run(self, statement: str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.database.superuser_dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    def keep_copy(self, folder: Path) -> None:
        """Copy all that the server has, as a backup of the disk does; it is down for the time of it."""
        self.server.go_down()
        shutil.copytree(self.server.cluster.data, folder, symlinks=True)
        self.server.come_up()

    def put_back(self, folder: Path, *, on_new_timeline: bool) -> None:
        """Crash the server, and bring it up again with what a copy has.

        Args:
            folder: Where `keep_copy` left it.
            on_new_timeline: End as a recovery to a point in time does: on a timeline of its own. A disk that
                was put back stays on the old one.
        """
        self.server.go_down("immediate")
        data = self.server.cluster.data
        shutil.rmtree(data)
        shutil.copytree(folder, data, symlinks=True)
        if on_new_timeline:
            (data / "recovery.signal").touch()
            with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
                configuration.write("restore_command = 'false'\n")
        _give_all(data, self.server.cluster.run_as)
        self.server.come_up()
        # It lets readers in before it has come to the end.
        while self._is_recovering():
            time.sleep(0.05)

    def _is_recovering(self) -> bool:
        with psycopg.connect(self.database.superuser_dsn, autocommit=True) as connection:
            return connection.execute("select pg_is_in_recovery()").fetchone() == (True,)


@contextmanager
def start_project(folder: Path) -> Iterator[ProjectServer]:
    """Start a server with an installed database; the version is the run's (GTR_TEST_POSTGRES)."""
    version = int(os.environ.get("GTR_TEST_POSTGRES", DEFAULT_VERSION))
    with start_server(version, folder, durable=True) as server:
        name = f"project_{secrets.token_hex(4)}"
        dsn = create_supabase_database(server.address, name, default_grants="new")
        install_gtr_jobs(dsn, server.address.password)
        yield ProjectServer(server, ProjectDatabase(server.address, name))


@contextmanager
def follow(primary: EmbeddedServer, folder: Path) -> Iterator[EmbeddedServer]:
    """Start a standby that follows a server: a base copy, then its log as it comes."""
    _let_copies_in(primary)
    folder.mkdir(parents=True, exist_ok=True)
    cluster = lay_out(primary.cluster.binaries, folder.resolve(), _find_free_port(), durable=True)
    cluster.data.chmod(0o700)
    lease = take_lease(folder)
    _describe(folder, cluster, primary.address.password)
    with set_guard(folder):
        _copy(primary, cluster)
    address = type(primary.address)(
        primary.address.host, cluster.port, SUPERUSER, primary.address.password
    )
    with EmbeddedServer(address, cluster, folder, lease) as standby:
        standby.come_up()
        yield standby


def promote(standby: EmbeddedServer) -> None:
    """Make a standby a primary, and wait until it is one."""
    with psycopg.connect(standby.address.superuser_dsn(), autocommit=True) as connection:
        row = connection.execute("select pg_promote(true, 30)").fetchone()
    assert row == (True,)


@contextmanager
def mount_memory(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small file system in memory at a folder.

    Raises:
        PermissionError: Mounting is not allowed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "gtr-jobs-test", folder],
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _let_copies_in(primary: EmbeddedServer) -> None:
    access = primary.cluster.data / "pg_hba.conf"
    line = f"local replication {SUPERUSER} trust\n"
    if line not in access.read_text(encoding="utf-8"):
        with access.open("a", encoding="utf-8") as rules:
            rules.write(line)
    with psycopg.connect(primary.address.superuser_dsn(), autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")


def _copy(primary: EmbeddedServer, cluster: Cluster) -> None:
    done = run_program(
        _find_copier(primary),
        f"--pgdata={cluster.data}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
        f"--host={primary.socket_folder}",
        f"--port={primary.address.port}",
        f"--username={SUPERUSER}",
        run_as=cluster.run_as,
    )
    if done.returncode:
        raise PostgresFailedError(done.stderr)


def _find_copier(primary: EmbeddedServer) -> Path:
    """Find pg_basebackup, of the server's version or a newer one, where the server's user can run it."""
    with psycopg.connect(primary.address.superuser_dsn()) as connection:
        version = connection.info.server_version // 10_000
    own = primary.cluster.binaries / "pg_basebackup"
    if own.exists():
        return own
    for newer in _COPIERS:
        if newer < version:
            continue
        try:
            found = find_binaries(newer) / "pg_basebackup"
        except PostgresNotFoundError:
            continue
        if found.exists():
            return _make_runnable(found, primary.cluster)
    raise PostgresNotFoundError(f"no pg_basebackup for PostgreSQL {version} is on this machine")


def _make_runnable(program: Path, cluster: Cluster) -> Path:
    """Copy a program and its libraries to where the server's user reaches them."""
    install = program.parent.parent
    target = cluster.runtime / "copier" / install.parent.name / install.name
    if not target.exists():
        shutil.copytree(install / "bin", target / "bin", symlinks=True)
        shutil.copytree(install / "lib", target / "lib", symlinks=True)
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, target.parent.with_name(libraries.name), symlinks=True)
        _give_all(cluster.runtime / "copier", cluster.run_as)
    return target / "bin" / program.name


def _give_all(folder: Path, owner: tuple[int, int] | None) -> None:
    if owner:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *owner, follow_symlinks=False)
