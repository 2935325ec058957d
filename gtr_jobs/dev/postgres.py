"""PostgreSQL servers for one machine: the demo's, and the tests'.

A server that is started here does not outlive its users: the last one to `stop()` it stops it, and where
a user was killed a guard does (see postgres_guard). Left behind are, at worst, a server whose guard was
killed too, and folders named gtr-pg-* in the temporary folder (and /dev/shm) after the machine went down.
"""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

from gtr_jobs.dev.postgres_binaries import find_binaries
from gtr_jobs.dev.postgres_cluster import (
    SUPERUSER,
    Cluster,
    PostgresFailedError,
    ShutdownMode,
    lay_out,
)
from gtr_jobs.dev.postgres_guard import SERVER_FILE, give_back_lease, set_guard, take_lease

_HOST = "127.0.0.1"
_START_ATTEMPTS = 3

# No power cut matters to a test: it pays for no write to a disk and meets no vacuum that it did not ask for.
_FORGETFUL = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    # The log is in memory too, where there is room for it.
    "max_wal_size": "512MB",
    "synchronous_commit": "off",
}
# Passwords that a test made are guessed by nobody, and at the usual 4096 turns logging in costs more than most tests ask
# for: seven milliseconds of whoever does it.
_GUESSABLE = {"scram_iterations": "1"}
_FIRST_WITH_ITERATIONS = 16


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The certificate and key (PEM files) with which a server speaks TLS."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is, and how to log in there.

    Args:
        host: Name or address.
        port: TCP port.
        superuser: Its superuser; never called postgres, which on Supabase is no superuser.
        password: The password of the superuser and of every other role that logs in.
        maintenance_database: The database from which others are made.
    """

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)
    maintenance_database: str = "postgres"

    def dsn(self, database: str, role: str = "postgres") -> str:
        """Write the address of a database for a role."""
        login = f"{quote(role, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(database, safe='')}"

    def superuser_dsn(self, database: str | None = None) -> str:
        """Write the address of a database (or of the maintenance database) for the superuser."""
        return self.dsn(database or self.maintenance_database, self.superuser)


class EmbeddedServer:
    """A server of our own, running: `address` says how to reach it. Leaving the context stops it."""

    def __init__(self, address: Server, cluster: Cluster, folder: Path, lease: BinaryIO) -> None:
        self.address = address
        self._cluster = cluster
        self._folder = folder
        self._lease = lease

    @property
    def socket_folder(self) -> Path:
        """The folder of the unix socket, on which the superuser needs no password."""
        return self._cluster.runtime

    @property
    def cluster(self) -> Cluster:
        """Its programs and folders."""
        return self._cluster

    def go_down(self, mode: ShutdownMode = "fast") -> None:
        """Stop the server and keep what it has; every connection breaks.

        Args:
            mode: `immediate` is a crash: it recovers from its log when it comes up.
        """
        self._cluster.stop(mode)

    def come_up(self) -> None:
        """Start the server again, on the same port."""
        self._cluster.start()

    def restart(self, mode: ShutdownMode = "fast") -> None:
        """Stop the server and start it again on the same port: see `go_down`."""
        self.go_down(mode)
        self.come_up()

    def stop(self) -> None:
        """Be done with the server. The last of its users stops it and deletes what it has on disk."""
        if not self._lease.closed:
            give_back_lease(self._lease, self._folder, self._cluster)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start_server(
    version: int, folder: Path, *, durable: bool = False, tls: ServerTls | None = None
) -> EmbeddedServer:
    """Make a new cluster and start its server on a free port of 127.0.0.1.

    Args:
        version: The major version of PostgreSQL.
        folder: An empty or new folder, for the file by which others join and for the data of a durable
            server (where the server's user may write there).
        durable: Keep what was committed through a power cut, and vacuum, as a real server does. If not,
            data is in memory where there is enough of it.
        tls: Speak TLS, and refuse every connection that does not.

    Raises:
        PostgresNotFoundError: The version is not on this machine.
        PostgresFailedError: It is, and does not start.
    """
    binaries = find_binaries(version)
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    cluster = lay_out(binaries, folder, _find_free_port(), durable=durable)
    lease = take_lease(folder)
    try:
        password = secrets.token_urlsafe(24)
        _describe(folder, cluster, password)
        with set_guard(folder):
            settings = _settings(version, durable=durable)
            cluster.initialize(password, settings, _access_rules(tls))
        if tls:
            cluster.use_tls(tls.certificate, tls.key)
        cluster = _start(cluster)
        _describe(folder, cluster, password)
    except BaseException:
        give_back_lease(lease, folder, cluster)
        raise
    return EmbeddedServer(_address(cluster, password), cluster, folder, lease)


def join_server(folder: Path) -> EmbeddedServer:
    """Use a server that another process started in a folder; it then runs until both are done with it.

    Raises:
        FileNotFoundError: No server is there.
    """
    folder = folder.resolve()
    described = json.loads((folder / SERVER_FILE).read_text(encoding="utf-8"))
    cluster = Cluster.from_description(described["cluster"])
    lease = take_lease(folder)
    if not (folder / SERVER_FILE).exists():
        # Its last user left in between.
        lease.close()
        raise FileNotFoundError(folder / SERVER_FILE)
    return EmbeddedServer(_address(cluster, described["password"]), cluster, folder, lease)


def _address(cluster: Cluster, password: str) -> Server:
    return Server(_HOST, cluster.port, SUPERUSER, password)


def _settings(version: int, *, durable: bool) -> dict[str, str]:
    settings = {
        "log_timezone": "UTC",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "wal_level": "logical",
    }
    if durable:
        return settings
    return settings | _FORGETFUL | (_GUESSABLE if version >= _FIRST_WITH_ITERATIONS else {})


def _access_rules(tls: ServerTls | None) -> str:
    """Write pg_hba.conf: on the socket, in a folder that is the server's alone, the superuser needs no password."""
    kind = "hostssl" if tls else "host"
    return f"local all {SUPERUSER} trust\n{kind} all all {_HOST}/32 scram-sha-256\n"


def _start(cluster: Cluster) -> Cluster:
    """Start the server; between asking for a free port and taking it another process can have taken it."""
    for _ in range(_START_ATTEMPTS - 1):
        try:
            cluster.start()
        except PostgresFailedError as error:
            if "could not bind" not in str(error):
                raise
            cluster = replace(cluster, port=_find_free_port())
        else:
            return cluster
    cluster.start()
    return cluster


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _describe(folder: Path, cluster: Cluster, password: str) -> None:
    """Write down what others need to join; the file has the password in it."""
    file = folder / SERVER_FILE
    file.touch(mode=0o600)
    file.write_text(
        json.dumps({"cluster": cluster.describe(), "password": password}), encoding="utf-8"
    )
