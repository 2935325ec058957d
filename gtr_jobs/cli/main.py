"""The command `gtr-jobs`: every error that a user can cause is one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from gtr_jobs import __version__
from gtr_jobs.cli.beginning import begin
from gtr_jobs.cli.commands import CommandsOnUse
from gtr_jobs.cli.leaving import leave
from gtr_jobs.domain.errors import GtrError

INTERRUPTED = 130
# Whoever read our output has seen enough of it, as in `| head`: what typer exits with, where it is the first to notice.
OUTPUT_CLOSED = 1
OUTPUT_LOST = 74

app = typer.Typer(
    name="gtr-jobs",
    cls=CommandsOnUse,
    help="A row that the app inserts becomes a push on a phone.",
    epilog="Settings come from the environment and from .env: see .env.example. "
    "Exit codes: 78 a setting is wrong, 75 try again, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"gtr-jobs {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A row that the app inserts becomes a push on a phone."""


def main() -> None:
    """Run the command line."""
    begin()
    try:
        code = _run()
        # Here, and not while the interpreter ends, where a failure can no longer be told.
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in {errno.EPIPE, errno.ENOSPC}:
            raise
        # What is still in the buffer goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OUTPUT_CLOSED
        if error.errno == errno.ENOSPC:
            print(f"gtr-jobs: cannot write the output: {error.strerror}", file=sys.stderr)
            code = OUTPUT_LOST
    leave(code)


def _run() -> int | str | None:
    output = sys.stdout
    try:
        app()
    except GtrError as error:
        print(f"gtr-jobs: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        # Where the output was closed, typer has put a quiet one in its place, and says 1.
        return OUTPUT_CLOSED if sys.stdout is not output else end.code
    return 0
