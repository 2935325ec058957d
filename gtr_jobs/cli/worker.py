"""`gtr-jobs worker`: the daemon."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.settings import MOST_PROCESSES, Settings, read_settings


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
    processes: Annotated[
        str | None,
        typer.Option(
            help="How many processes to run, or auto for one a core; unless given: GTR_PROCESSES.",
            metavar="N|auto",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Drain queues until told to stop.

    SIGTERM or Ctrl-C lets running work end and exits 0; a second one hands it back at once.
    """
    given = {
        name: value
        for name, value in {"queues": queues, "concurrency": concurrency}.items()
        if value is not None
    }
    settings = read_settings().model_copy(update=given)
    if processes is not None:
        settings = settings.model_copy(update={"processes": _read_processes(processes)})
    count = 1 if settings.processes == 1 else _count(settings)
    if count > 1:
        # The parent stays small: it never loads what its processes do.
        from gtr_jobs.app.processes import run_processes  # noqa: PLC0415

        raise typer.Exit(run_processes(settings, count, given))
    # Half of what there is to load, and no other command needs it.
    from gtr_jobs.app.worker import run_worker  # noqa: PLC0415

    run_worker(settings)


def _read_processes(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_PROCESSES:
        return int(text)
    raise UsageError(f"--processes is 1 to {MOST_PROCESSES}, or auto")


def _count(settings: Settings) -> int:
    from gtr_jobs.app.processes import processes_wanted  # noqa: PLC0415

    return processes_wanted(settings)
