"""What the command line shows of a database."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from gtr_jobs.db.status import DatabaseStatus


def show_left_out(left_out: Mapping[str, tuple[str, ...]]) -> None:
    """Say which files were not installed, because the app lacks their tables."""
    for path, tables in left_out.items():
        print(
            f"Left out {path}: the app has no table {', '.join(tables)}. "
            "Run this again when it has."
        )


def show_status(status: DatabaseStatus) -> None:
    """Show what is installed beside what this version has: a line each, to read and to grep."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    identity = f"{status.project or 'no project'} / {status.environment or 'no environment'}"
    width = max((len(line.what) for line in status.lines), default=0)
    console.print(f"{'database':{width}}  {status.place}")
    console.print(f"{'identity':{width}}  {identity}")
    console.print(f"{'gtr-jobs':{width}}  {status.version}")
    if status.paused:
        paused = f"paused: {status.paused}; gtr-jobs resume --acknowledge"
        console.print(Text(f"{'sending':{width}}  ").append(paused, "red"))
    console.print()
    for line in status.lines:
        style = "green" if line.is_fine else "yellow"
        console.print(Text(f"{line.what:{width}}  ").append(line.state, style))
    console.print()
    if status.refusal is not None:
        console.print(status.refusal, style="yellow")
    else:
        console.print("Up to date." if status.is_up_to_date else "Run gtr-jobs db migrate.")
