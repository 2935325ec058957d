"""The commands of `gtr-jobs`, known by name and line: what one stands on is loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections import UserDict
from copy import copy
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Announced(NamedTuple):
    """A command that is not loaded yet.

    Args:
        where: Its module among those of `gtr_jobs.cli`, and what it is called there.
        line: What it does, as its own help begins.
    """

    where: str
    line: str


# In the order in which help lists them.
COMMANDS = {
    "worker": Announced("worker:work", "Drain queues until told to stop."),
    "http": Announced(
        "http:serve", "Serve the pages to which providers report, until told to stop."
    ),
    "spend": Announced(
        "spend:spend",
        "List what was sent a day and country, and what it cost. Needs GTR_ADMIN_DATABASE_URL.",
    ),
    "resume": Announced(
        "resume:resume",
        "Let sending go on that was paused because the database is another or an older one.",
    ),
    "cron": Announced(
        "cron:cron",
        "List what is done at fixed times: when it was last done, and when it will be, in its zone.",
    ),
    "init": Announced(
        "init:init",
        "Write a small repository with a kind, a queue, SQL and tests of its own; connects to nothing.",
    ),
    "push": Announced("push:app", "Try the way to a phone."),
    "sms": Announced("messages:sms", "Try the way of a text."),
    "email": Announced("messages:email", "Try the way of an e-mail."),
    "suppress": Announced(
        "suppress:app", "Whom nothing is sent to, and why. Needs GTR_ADMIN_DATABASE_URL."
    ),
    "queues": Announced(
        "queues:app",
        "Tell how much every queue holds, how long the oldest has waited, and which workers live.",
    ),
    "switches": Announced(
        "switches:app",
        "Pause, limit, ramp: every worker obeys within a second. Needs GTR_ADMIN_DATABASE_URL.",
    ),
    "templates": Announced("templates:app", "See what SMS and e-mails say."),
    "jobs": Announced(
        "jobs:app", "What waits and what is being done. Needs GTR_ADMIN_DATABASE_URL."
    ),
    "dead": Announced(
        "dead:app", "Jobs that gave up: look, try again, discard. Needs GTR_ADMIN_DATABASE_URL."
    ),
    "db": Announced(
        "db:app",
        "Install gtr_jobs in a database, and see what is installed. Needs GTR_ADMIN_DATABASE_URL.",
    ),
    # The bracket would be read as a style.
    "dev": Announced(
        "dev:app", 'See it work on this machine; needs pip install "gtr-jobs\\[demo]".'
    ),
    "bench": Announced(
        "bench:app", 'Measure it on this machine; needs pip install "gtr-jobs\\[demo]".'
    ),
}


class CommandsOnUse(TyperGroup):
    """A group that loads the command that it is asked for, and none to list them all."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Loading(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show every command with its line."""
        listed = copy(self)
        listed.commands = {
            name: TyperCommand(name, help=known.line) for name, known in COMMANDS.items()
        }
        super(CommandsOnUse, listed).format_help(ctx, formatter)


class _Loading(UserDict[str, Any]):
    """Commands by name; each is loaded where it is taken out."""

    def get(self, name: str, default: Any = None) -> Any:
        """Give a command; a mapping's own would take what fails in a module for a name that is not there."""
        return self[name] if name in self.data else default

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self.data[name].where.partition(":")
        found = getattr(importlib.import_module(f"gtr_jobs.cli.{module}"), attribute)
        # What typer makes of a part stands in a whole of its own.
        whole = typer.Typer(add_completion=False)
        if isinstance(found, typer.Typer):
            whole.add_typer(found, name=name)
        else:
            whole.command(name)(found)
        return typer.main.get_group(whole).commands[name]
