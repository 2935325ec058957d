"""`gtr-jobs http`: the pages for providers, as a process of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from gtr_jobs.settings import read_settings


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            help="Address of the pages; unless given: GTR_WEBHOOK_HOST.", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Their port, 0 for a free one; unless given: GTR_WEBHOOK_PORT, or 9465.",
            show_default=False,
        ),
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Port of health and metrics, 0 for a free one; unless given: GTR_HTTP_PORT.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the pages to which providers report, until told to stop.

    SIGTERM or Ctrl-C answers who has asked already and exits 0. Needs GTR_DATABASE_URL, and no key of
    any provider but what signs its reports.
    """
    given = {
        name: value
        for name, value in {
            "webhook_host": host,
            "webhook_port": port,
            "http_port": health_port,
        }.items()
        if value is not None
    }
    settings = read_settings().model_copy(update=given)
    # What it stands on is most of what there is to load.
    from gtr_jobs.app.http import run_http  # noqa: PLC0415

    run_http(settings)
