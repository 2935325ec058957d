"""Local servers start, are shared, and are gone when nobody uses them any more."""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import trustme

from gtr_jobs.dev import postgres
from gtr_jobs.dev.postgres import ServerTls, join_server, start_server
from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError, find_binaries
from gtr_jobs.dev.postgres_cluster import PostgresFailedError

_START_AND_WAIT = """
import sys
from pathlib import Path
from gtr_jobs.dev.postgres import start_server
server = start_server(int(sys.argv[1]), Path(sys.argv[2]))
print(server.address.superuser_dsn(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def version() -> int:
    """The major version of this run, where its programs are on the machine."""
    wanted = int(os.environ.get("GTR_TEST_POSTGRES", "18"))
    try:
        find_binaries(wanted)
    except PostgresNotFoundError as error:
        pytest.skip(str(error))
    return wanted


def _ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_server_is_of_the_version_that_was_asked_for(version: int, tmp_path: Path) -> None:
    """The programs are told apart by what they say of themselves; the superuser is supabase_admin."""
    with start_server(version, tmp_path / "server") as server:
        shown = _ask(
            server.address.superuser_dsn(),
            "select current_user || ' ' || current_setting('server_version_num')::int / 10000",
        )
    assert shown == f"supabase_admin {version}"


def test_a_stopped_server_leaves_nothing_behind(version: int, tmp_path: Path) -> None:
    """Nobody answers, and its socket's folder and its data are gone, as soon as stop() returns."""
    server = start_server(version, tmp_path / "server")
    dsn = server.address.superuser_dsn()
    data = Path(str(_ask(dsn, "select current_setting('data_directory')")))
    server.stop()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(dsn)
    folders = (data, server.socket_folder, tmp_path / "server")
    assert [path for path in folders if path.exists()] == []


def test_the_last_of_its_users_stops_a_server(version: int, tmp_path: Path) -> None:
    """Who joins keeps it running after who started it is done."""
    first = start_server(version, tmp_path / "server")
    with join_server(tmp_path / "server") as second:
        first.stop()
        assert second.address == first.address
        assert _ask(second.address.superuser_dsn(), "select 1") == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first.address.superuser_dsn())
    with pytest.raises(FileNotFoundError):
        join_server(tmp_path / "server")


def test_a_server_does_not_outlive_a_killed_user(version: int, tmp_path: Path) -> None:
    """SIGKILL lets nobody tidy up: the guard does, once the kernel has taken the lease back."""
    folder = tmp_path / "server"
    with subprocess.Popen(
        [sys.executable, "-c", _START_AND_WAIT, str(version), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout is not None
        dsn = user.stdout.readline().strip()
        with (folder / "lease").open("ab") as lease:
            with psycopg.connect(dsn, autocommit=True) as connection:
                user.kill()
                # The server's end ends the connection: that is what is waited for.
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("select pg_sleep(15)")
            # The guard has the lease for itself until it is done.
            fcntl.flock(lease, fcntl.LOCK_SH)
    assert not folder.exists()


def test_a_crashed_server_comes_back_on_its_port(version: int, tmp_path: Path) -> None:
    """What was committed is there after a crash; connections from before it are broken."""
    with start_server(version, tmp_path / "server", durable=True) as server:
        dsn = server.address.superuser_dsn()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
            server.restart("immediate")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        assert _ask(dsn, "select answer from kept") == 42


def test_a_server_with_tls_refuses_plain_connections(version: int, tmp_path: Path) -> None:
    """As Supabase does where a project enforces it; builds without TLS say so and do not start."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    tls = ServerTls(tmp_path / "cert.pem", tmp_path / "key.pem")
    try:
        server = start_server(version, tmp_path / "server", tls=tls)
    except PostgresFailedError as error:
        if "SSL is not supported by this build" not in str(error):
            raise
        assert not (tmp_path / "server").exists()
        return
    with server:
        dsn = server.address.superuser_dsn()
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            psycopg.connect(dsn, sslmode="disable")
        with psycopg.connect(
            dsn, sslmode="verify-full", sslrootcert=str(tmp_path / "ca.pem")
        ) as connection:
            assert connection.pgconn.ssl_in_use


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
def test_root_starts_a_server_from_where_others_cannot_look(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone below /root works too, durable or not, and its folders keep their permissions."""
    secluded = tmp_path / "secluded"
    secluded.mkdir(mode=0o700)
    programs = find_binaries(version)
    if programs.is_relative_to("/usr"):
        # The system's own find their libraries by a fixed path, and everybody reaches them.
        pytest.skip("programs of the system are within everybody's reach")
    package = programs.parents[1]
    copied = secluded / package.name / programs.parent.name
    shutil.copytree(programs.parent, copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, secluded / libraries.name)
    monkeypatch.setattr(postgres, "find_binaries", lambda _: copied / "bin")
    with start_server(version, secluded / "server", durable=True) as server:
        assert _ask(server.address.superuser_dsn(), "select 1") == 1
    assert secluded.stat().st_mode & 0o777 == 0o700


def test_an_unknown_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """The message says where the programs would come from, and nothing is left behind."""
    with pytest.raises(PostgresNotFoundError, match="no PostgreSQL 9 found: 18 and 16 come with"):
        start_server(9, tmp_path / "server")
    assert not (tmp_path / "server").exists()


_MAKE_USER = """
import sys
from gtr_jobs.dev.postgres_user import make_user
print("ready", flush=True)
sys.stdin.readline()
print(make_user(sys.argv[1]), flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_a_user_that_many_make_at_once_has_one_number() -> None:
    """On a new machine the first servers may start at the same time: all get the same user."""
    name = f"gtr-test-{secrets.token_hex(4)}"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", _MAKE_USER, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        assert [maker.stdout.readline() for maker in makers if maker.stdout] == ["ready\n"] * 4
        for maker in makers:
            assert maker.stdin is not None
            maker.stdin.write("go\n")
            maker.stdin.flush()
        said = {maker.communicate(timeout=15)[0] for maker in makers}
        entry = pwd.getpwnam(name)
        assert said == {f"({entry.pw_uid}, {entry.pw_gid})\n"}
    finally:
        subprocess.run(["userdel", name], check=True)
