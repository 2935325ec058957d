"""Health, readiness and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.observe.metrics import CONTENT_TYPE, Metrics
from gtr_jobs.ops.health import Health


def make_site(health: Health, metrics: Metrics) -> Starlette:
    """Make the site; every page answers from memory, none asks the database."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        ready = health.is_ready()
        body = {
            "status": "ready" if ready else "not ready",
            "claiming": health.is_claiming,
            "stopping": health.is_stopping,
            "seconds_since_database_answered": round(health.seconds_since_answer(), 1),
            "details": health.details,
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    async def show_metrics(_: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show_metrics),
        ]
    )


class SignallessServer(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon has its own."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the daemon."""
        yield


def take_address(host: str, port: int, settings: str) -> socket.socket:
    """Listen at an address.

    Raises:
        ConfigurationError: It is taken or is not this machine's; names the settings that say it.
    """
    try:
        return socket.create_server((host, port), family=_family_of(host))
    except OSError as error:
        raise ConfigurationError(
            f"{settings}: cannot listen on {host}:{port} ({error.strerror or error})",
            "choose another port, or 0 for a free one",
        ) from None


def name_address(listener: socket.socket) -> str:
    """Give where somebody listens as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class HttpServer:
    """The daemon's HTTP server.

    Args:
        site: What it serves.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, site: Starlette, host: str, port: int) -> None:
        self._site = site
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None

    def bind(self) -> str:
        """Take the address; give it as a URL.

        Raises:
            ConfigurationError: The address is taken or is not this machine's.
        """
        self._socket = take_address(self._host, self._port, "GTR_HTTP_HOST, GTR_HTTP_PORT")
        return name_address(self._socket)

    async def run(self) -> None:
        """Serve until cancelled."""
        if self._socket is None:
            self.bind()
        config = uvicorn.Config(
            self._site,
            http="h11",
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=64,
            timeout_keep_alive=5,
            h11_max_incomplete_event_size=16_384,
        )
        server = SignallessServer(config)
        serving = asyncio.create_task(
            server.serve(sockets=[self._socket] if self._socket else None)
        )
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
