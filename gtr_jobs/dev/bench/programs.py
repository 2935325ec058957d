"""Programs that are measured against, or beside: started, waited for, and stopped."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gtr_jobs.domain.errors import ConfigurationError, TryAgainError

SINK = "provider_sink.mjs"
NODE_HINT = "install Node 20 or newer"
_START_SECONDS = 10.0


def find_program(program: str, hint: str) -> str:
    """Find a program, also where Debian puts servers.

    Raises:
        ConfigurationError: It is not installed; says what to do.
    """
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ConfigurationError(f"there is no {program}", hint)
    return found


@contextmanager
def run_server(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server until the context ends; it is ready when its port of this machine answers.

    Raises:
        TryAgainError: It did not start.
    """
    with run_program(command, lambda: _listens(port)):
        yield


@contextmanager
def run_sink(script: Path, certificate: Path, key: Path, latency_ms: int) -> Iterator[int]:
    """Run the peers' provider that is far away: so long an answer takes, a hundred streams a connection.

    Returns:
        Its port.

    Raises:
        ConfigurationError: There is no Node.
        TryAgainError: It did not start.
    """
    files = ["--cert", str(certificate), "--key", str(key)]
    node = find_program("node", NODE_HINT)
    command = [node, str(script), *files, "--latency-ms", str(latency_ms), "--streams", "100"]
    with run_program(command, lambda: True) as process:
        line = process.stdout.readline() if process.stdout else ""
        try:
            port = int(json.loads(line)["port"])
        except (ValueError, KeyError):
            raise TryAgainError(f"{script.name} did not start", "run it alone to see why") from None
        yield port


@contextmanager
def run_program(
    command: Sequence[str], is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the context ends.

    Raises:
        TryAgainError: It ended, or took too long, before it was ready.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        latest = time.monotonic() + _START_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > latest:
                raise TryAgainError(f"{command[0]} did not start", "run it alone to see why")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
