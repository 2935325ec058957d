"""What the command line shows as tables."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from gtr_jobs.db.status import DatabaseStatus


def show_left_out(left_out: Mapping[str, tuple[str, ...]]) -> None:
    """Say which files were not installed, because the app lacks their tables."""
    for path, tables in left_out.items():
        print(
            f"Left out {path}: the app has no table {', '.join(tables)}. "
            "Run this again when it has."
        )


def show_status(status: DatabaseStatus) -> None:
    """Show what is installed beside what this version has."""
    console = Console(highlight=False)
    console.print(f"database     {status.place}")
    console.print(
        f"identity     {status.project or 'no project'} / {status.environment or 'no environment'}"
    )
    console.print(f"gtr-jobs     {status.version}")
    table = Table("what", "state", box=None, pad_edge=False, header_style="bold")
    for line in status.lines:
        table.add_row(line.what, f"[{'green' if line.is_fine else 'yellow'}]{line.state}[/]")
    console.print(table)
    for warning in status.warnings:
        console.print(f"[yellow]{warning}[/]")
    if status.is_up_to_date:
        console.print("Up to date.")
    else:
        console.print("Run [bold]gtr-jobs db migrate[/].")
