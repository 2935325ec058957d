"""A network of its own between workers and server, in which packets can vanish without a word.

A worker speaks to an address in another network namespace, where a forwarder hands its bytes to the server's
unix socket: when the link is down nothing is acknowledged and nothing is refused.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gtr_jobs.dev.postgres import EmbeddedServer

PORT = 5432

_FORWARD = """
import asyncio, sys

async def carry(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def take(reader, writer):
    there = await asyncio.open_unix_connection(sys.argv[3])
    await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

async def main():
    server = await asyncio.start_server(take, sys.argv[1], int(sys.argv[2]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to the server that can be cut.

    Args:
        namespace: The network that the forwarder lives in.
        host: The address at which it takes connections, on port 5432.
    """

    namespace: str
    host: str

    def cut(self) -> None:
        """Let every packet vanish from now on."""
        _run("ip", "-n", self.namespace, "link", "set", "far", "down")

    def mend(self) -> None:
        """Let packets pass again."""
        _run("ip", "-n", self.namespace, "link", "set", "far", "up")


@contextmanager
def open_link(server: EmbeddedServer) -> Iterator[Link]:
    """Make the network and the forwarder.

    Raises:
        PermissionError: Networks cannot be made here.
    """
    _let_in_by_socket(server)
    name = f"gtr{secrets.token_hex(3)}"
    subnet = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    try:
        _run("ip", "netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PermissionError(str(error)) from error
    try:
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "far", "netns", name)
        _run("ip", "addr", "add", f"{subnet}.1/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "-n", name, "addr", "add", f"{subnet}.2/24", "dev", "far")
        _run("ip", "-n", name, "link", "set", "far", "up")
        with _forward(name, f"{subnet}.2", server):
            yield Link(name, f"{subnet}.2")
    finally:
        # With it goes the pair of interfaces.
        _run("ip", "netns", "delete", name)


@contextmanager
def _forward(namespace: str, host: str, server: EmbeddedServer) -> Iterator[None]:
    socket = server.socket_folder / f".s.PGSQL.{server.address.port}"
    process = subprocess.Popen(
        [
            *("ip", "netns", "exec", namespace),
            *(sys.executable, "-c", _FORWARD, host, str(PORT), str(socket)),
        ],
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


def _let_in_by_socket(server: EmbeddedServer) -> None:
    """Let roles log in on the unix socket with their password, as they do elsewhere."""
    access = Path(server.cluster.data) / "pg_hba.conf"
    line = "local all all scram-sha-256\n"
    if line not in access.read_text(encoding="utf-8"):
        with access.open("a", encoding="utf-8") as rules:
            rules.write(line)
        if server.cluster.run_as:
            os.chown(access, *server.cluster.run_as)
    with psycopg.connect(server.address.superuser_dsn(), autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
