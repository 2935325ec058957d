"""`gtr-jobs worker`: the daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from gtr_jobs.settings import read_settings


def work(
    queues: Annotated[
        str | None,
        typer.Option(
            help="Queues to drain, separated by commas; unless given: GTR_QUEUES.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            help="How many jobs of a queue may run at once; unless given: GTR_CONCURRENCY.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Drain queues until told to stop.

    SIGTERM or Ctrl-C lets running work end and exits 0; a second one hands it back at once.
    """
    # Half of what there is to load, and no other command needs it.
    from gtr_jobs.app.worker import run_worker  # noqa: PLC0415

    given = {"queues": queues, "concurrency": concurrency}
    settings = read_settings().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    run_worker(settings)
