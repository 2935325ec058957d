"""Health and metrics of all processes of a worker, at one address."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtr_jobs.observe.merging import MergedMetrics, render_all
from gtr_jobs.observe.metrics import CONTENT_TYPE
from gtr_jobs.observe.processes import ProcessMetrics
from gtr_jobs.ops.processes import ProcessTable


def make_parent_site(
    table: ProcessTable, merged: MergedMetrics, metrics: ProcessMetrics
) -> Starlette:
    """Make the site; every page answers from what was last reported, none asks a process."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        return JSONResponse(table.describe(), status_code=200 if table.is_ready() else 503)

    async def show_metrics(_: Request) -> Response:
        return Response(render_all(metrics.registry, merged), media_type=CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show_metrics),
        ]
    )
