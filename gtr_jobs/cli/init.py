"""`gtr-jobs init`: a small repository of one's own that uses the package."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gtr_jobs.domain.errors import UsageError


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where; empty, or not there.", show_default=False)
    ],
    name: Annotated[
        str | None,
        typer.Option(
            help="What the app is called; unless given, as the folder is.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a small repository with a kind, a queue, SQL and tests of its own; connects to nothing."""
    # Most of what there is to load, and no other command needs it.
    from gtr_jobs.dev.scaffold import find_own_source, write_repository  # noqa: PLC0415

    chosen = name if name is not None else folder.resolve().name.replace("-", "_").lower()
    try:
        written = write_repository(folder, chosen)
    except UsageError as error:
        if name is None and error.message.startswith("--name"):
            raise UsageError(error.message, f"give it another with --name: {error.hint}") from None
        raise
    for path in written:
        print(path)
    source = find_own_source()
    # A release that is on no index yet is taken from where this one is.
    test = "make test" if source is None else f"make test GTR_JOBS={shlex.quote(str(source))}"
    print(
        f"\n{len(written)} files. Next:\n"
        f"    cd {shlex.quote(str(folder))} && {test}   # from a row to a phone, on this machine\n"
        "    cp .env.example .env       # fill it in\n"
        "    .venv/bin/gtr-jobs db migrate"
    )
