"""How many requests a second the transport carries: to a server without latency, and to one that is far away."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from gtr_jobs.dev.bench.programs import SINK, find_program, free_port, run_server, run_sink
from gtr_jobs.dev.bench.rig import describe_machine
from gtr_jobs.dev.standins.tls import ThrowawayAuthority
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.providers.exchange import Answered, HttpOptions
from gtr_jobs.providers.transport import HttpPool

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
    nginx = find_program("nginx", "install it (Debian: apt install nginx-light)")
    if sinks is not None and not (sinks / SINK).exists():
        raise ConfigurationError(
            f"--peers: there is no {SINK} in {sinks}",
            "name the folder tests/bench/peers of the repository",
        )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtr-wire-")))
        certificate, key = ThrowawayAuthority(folder).write_server(folder)
        near = stack.enter_context(_run_nginx(nginx, folder))
        near_rates = [_measure(near, folder, size.requests, 2) for _ in range(size.rounds)]
        figures: dict[str, Any] = {
            "bench": "wire",
            "requests": size.requests,
            "requests_per_second": round(median(near_rates)),
            "rounds": [round(rate) for rate in near_rates],
        }
        if sinks is not None:
            far = stack.enter_context(run_sink(sinks / SINK, certificate, key, size.latency_ms))
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


@contextmanager
def _run_nginx(program: str, folder: Path) -> Iterator[int]:
    port = free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    with run_server([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port):
        yield port
