"""How many requests a second the transport carries: to a server without latency, and to one that is far away."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import trustme
import uvloop

from gtr_jobs.dev.bench.rig import describe_machine
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.providers.exchange import Answered, HttpOptions
from gtr_jobs.providers.transport import SWITCH_INTERVAL, HttpPool

_SINK = "provider_sink.mjs"
_PATH = "/v1/projects/p/messages:send"
# As long as a push's login and body are.
_HEADERS = {"authorization": "Bearer " + "x" * 200, "content-type": "application/json"}
_BODY = b'{"message":{"token":"' + b"t" * 140 + b'","data":{"x":"' + b"x" * 700 + b'"}}}'
_START_SECONDS = 10.0

_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        http2_max_concurrent_streams 128;
        location / {{ return 200 '{{"name":"projects/p/messages/1"}}'; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class WireSize:
    """How many requests are sent in a round, and how often.

    Args:
        requests: Without latency, and half as many from afar.
        rounds: Medians of which are shown.
        latency_ms: How far away the far one is.
        connections: How many a pool may open to the far one.
    """

    requests: int = 100_000
    rounds: int = 3
    latency_ms: int = 60
    connections: int = 12


def measure_wire(size: WireSize, sinks: Path | None) -> dict[str, Any]:
    """Send requests to nginx, and to the sink of a folder of peers where one is named.

    Raises:
        ConfigurationError: A server is not installed; says what to do.
    """
    nginx = _find("nginx", "install it (Debian: apt install nginx-light)")
    if sinks is not None and not (sinks / _SINK).exists():
        raise ConfigurationError(
            f"--peers: there is no {_SINK} in {sinks}",
            "name the folder tests/bench/peers of the repository",
        )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtr-wire-")))
        _write_certificates(folder)
        near = stack.enter_context(_run_nginx(nginx, folder))
        near_rates = [_measure(near, folder, size.requests, 2) for _ in range(size.rounds)]
        figures: dict[str, Any] = {
            "bench": "wire",
            "requests": size.requests,
            "requests_per_second": round(median(near_rates)),
            "rounds": [round(rate) for rate in near_rates],
        }
        if sinks is not None:
            far = stack.enter_context(_run_sink(sinks / _SINK, folder, size.latency_ms))
            far_rates = [
                _measure(far, folder, size.requests // 2, size.connections)
                for _ in range(size.rounds)
            ]
            figures |= {
                "latency_ms": size.latency_ms,
                "far_requests_per_second": round(median(far_rates)),
                "far_rounds": [round(rate) for rate in far_rates],
            }
    return figures | describe_machine()


def _measure(port: int, folder: Path, requests: int, connections: int) -> float:
    # As a worker does.
    sys.setswitchinterval(SWITCH_INTERVAL)
    return uvloop.run(_send(port, folder / "ca.pem", requests, connections))


async def _send(port: int, ca_file: Path, requests: int, connections: int) -> float:
    """Keep the pool full until so many requests are answered; give requests a second."""
    pool = HttpPool(HttpOptions(ca_file=ca_file, connections=connections), _HEADERS)
    url = f"https://localhost:{port}{_PATH}"
    numbers = iter(range(requests))

    async def work() -> None:
        for _ in numbers:
            result = await pool.post(url, _BODY)
            if not (isinstance(result, Answered) and result.status == 200):
                raise TryAgainError(f"a request ended as {result}", "run it again")

    try:
        # Connections are opened before the clock starts, as a worker's stay open.
        await asyncio.gather(*(pool.post(url, _BODY) for _ in range(pool.width)))
        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(pool.width)))
        return requests / (time.perf_counter() - started)
    finally:
        await pool.close()


def _find(program: str, hint: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ConfigurationError(f"there is no {program}", hint)
    return found


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "cert.pem").write_bytes(chain)


@contextmanager
def _run_nginx(program: str, folder: Path) -> Iterator[int]:
    port = _free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with _run(command, lambda _: _listens(port)) as _:
        yield port


@contextmanager
def _run_sink(script: Path, folder: Path, latency_ms: int) -> Iterator[int]:
    node = _find("node", "install Node 20 or newer")
    files = ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    command = [node, str(script), *files, "--latency-ms", str(latency_ms), "--streams", "100"]
    with _run(command, lambda _: True) as process:
        line = process.stdout.readline() if process.stdout else ""
        try:
            yield int(json.loads(line)["port"])
        except (ValueError, KeyError):
            raise TryAgainError(f"{script.name} did not start", "run it alone to see why") from None


@contextmanager
def _run(
    command: list[str], is_ready: Callable[[subprocess.Popen[str]], bool]
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        latest = time.monotonic() + _START_SECONDS
        while not is_ready(process):
            if process.poll() is not None or time.monotonic() > latest:
                raise TryAgainError(f"{command[0]} did not start", "run it alone to see why")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
