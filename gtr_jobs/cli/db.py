"""`gtr-jobs db`: installs, compares, exports, and lets the worker log in."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gtr_jobs.app import database as composition
from gtr_jobs.cli.tables import show_left_out, show_status
from gtr_jobs.db.migrate import Identity
from gtr_jobs.domain.errors import UsageError
from gtr_jobs.settings import read_settings

NOT_UP_TO_DATE = 1
MIN_PASSWORD_LENGTH = 12

app = typer.Typer(
    no_args_is_help=True,
    help="Install gtr_jobs in a database, and see what is installed. Needs GTR_ADMIN_DATABASE_URL.",
)


@app.command()
def migrate(
    project: Annotated[
        str | None,
        typer.Option(help="What project this database is; unless given: GTR_PROJECT."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="What environment it is; unless given: GTR_ENVIRONMENT."),
    ] = None,
    change_identity: Annotated[
        bool, typer.Option("--change-identity", help="It is another project or environment now.")
    ] = False,
) -> None:
    """Install or upgrade; safe to run again, and while workers run."""
    identity = Identity(project, environment, change_identity)
    done = composition.migrate_database(read_settings(), identity, _report)
    if not (done.steps or done.files or done.removed):
        print("Nothing to do: the database is up to date.")
    else:
        print(
            f"Applied {len(done.steps)} steps, installed {len(done.files)} files, "
            f"removed {len(done.removed)}."
        )
    show_left_out(done.left_out)


@app.command()
def status() -> None:
    """Compare the database with this version; exit 1 when `db migrate` has something to do."""
    found = composition.read_database_status(read_settings())
    show_status(found)
    if not found.is_up_to_date:
        raise typer.Exit(NOT_UP_TO_DATE)


@app.command()
def sql(
    out: Annotated[
        Path | None,
        typer.Option(
            help="The app's supabase/migrations: gets numbered files for `supabase db push`."
        ),
    ] = None,
    optional: Annotated[
        str | None,
        typer.Option(help="Print one optional file instead, such as close_notification_hole."),
    ] = None,
) -> None:
    """Write the installation as files; connects to nothing.

    Run again after an upgrade, it writes only what the folder does not have yet.
    """
    if (out is None) == (optional is None):
        raise UsageError("db sql wants either --out DIR or --optional NAME")
    if optional is not None:
        print(composition.read_optional_sql(optional), end="")
        return
    if out is not None:
        written = composition.export_database_sql(read_settings(), out, datetime.now(UTC))
        for path in written:
            print(path)
        if not written:
            print("Nothing to write: the folder has it all.", file=sys.stderr)


@app.command()
def password(
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Let the worker log in: give its role a new password, and print GTR_DATABASE_URL."""
    chosen = _read_password() if stdin else None
    url = composition.set_worker_password(read_settings(), chosen)
    print(f"GTR_DATABASE_URL={url}")


def _report(line: str) -> None:
    print(line, file=sys.stderr)


def _read_password() -> str:
    try:
        chosen = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
        chosen.encode()
    except UnicodeError:
        raise UsageError("the password on standard input is no text in UTF-8") from None
    if len(chosen) < MIN_PASSWORD_LENGTH:
        raise UsageError(
            f"the password on standard input has fewer than {MIN_PASSWORD_LENGTH} characters",
            "leave --stdin out to have one made",
        )
    return chosen
