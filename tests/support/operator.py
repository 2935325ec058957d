"""An operator at the command line: with a pipe, or at a terminal of their own."""

from __future__ import annotations

import os
import pty
from pathlib import Path

from support.command_line import Ended, make_environment, run_command
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT
from support.warm import start_warm


def operate(database: ProjectDatabase, *arguments: str, **settings: str) -> Ended:
    """Run a command on a project's database, with nobody there to be asked."""
    return run_command(*arguments, settings={"GTR_ADMIN_DATABASE_URL": database.dsn, **settings})


def target_of(database: ProjectDatabase) -> str:
    """Say how a command names the database before it acts."""
    port = database.server.port
    return f"{PROJECT} / {ENVIRONMENT} at postgres@{database.server.host}:{port}/{database.name}"


def operate_at_terminal(
    database: ProjectDatabase, *arguments: str, typed: str, width: int = 200
) -> Ended:
    """Run a command at a terminal where somebody types; what it shows is all in `out`."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    settings = {
        "GTR_ADMIN_DATABASE_URL": database.dsn,
        "COLUMNS": str(width),
        "TERM": "xterm",
    }
    process = start_warm(
        arguments,
        make_environment(settings),
        Path(Path.cwd().root),
        dict.fromkeys((0, 1, 2), theirs),
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:
            # What a terminal says when nobody is at its other end.
            break
        if not part:
            break
        shown += part
    os.close(ours)
    process.join(10)
    assert process.exitcode is not None
    return Ended(process.exitcode, shown.decode(), "")
