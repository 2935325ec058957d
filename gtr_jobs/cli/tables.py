"""What the command line shows of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gtr_jobs.cli.listing import is_at_terminal
from gtr_jobs.db.status import DatabaseStatus


def show_left_out(left_out: Mapping[str, tuple[str, ...]]) -> None:
    """Say which files were not installed, because the app lacks their tables."""
    for path, tables in left_out.items():
        print(
            f"Left out {path}: the app has no table {', '.join(tables)}. "
            "Run this again when it has."
        )


class _Line(NamedTuple):
    head: str = ""
    said: str = ""
    style: str = ""


def show_status(status: DatabaseStatus) -> None:
    """Show what is installed beside what this version has: a line each, to read and to grep."""
    lines = _status_lines(status)
    if not is_at_terminal():
        for line in lines:
            print(line.head + line.said)
        return
    # What only a terminal shows is loaded for a terminal only.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line.head).append(line.said, line.style))


def _status_lines(status: DatabaseStatus) -> list[_Line]:
    width = max((len(line.what) for line in status.lines), default=0)
    identity = f"{status.project or 'no project'} / {status.environment or 'no environment'}"
    lines = [
        _Line(f"{'database':{width}}  {status.place}"),
        _Line(f"{'identity':{width}}  {identity}"),
        _Line(f"{'gtr-jobs':{width}}  {status.version}"),
    ]
    if status.paused:
        paused = f"paused: {status.paused}; gtr-jobs resume --acknowledge"
        lines.append(_Line(f"{'sending':{width}}  ", paused, "red"))
    lines.append(_Line())
    lines += [
        _Line(f"{line.what:{width}}  ", line.state, "green" if line.is_fine else "yellow")
        for line in status.lines
    ]
    lines.append(_Line())
    if status.refusal is not None:
        lines.append(_Line(said=status.refusal, style="yellow"))
    else:
        lines.append(_Line("Up to date." if status.is_up_to_date else "Run gtr-jobs db migrate."))
    return lines
