"""Puts together what operators read and do."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gtr_jobs.app.addresses import admin_database
from gtr_jobs.db.audit import Audit, Note
from gtr_jobs.db.dead_jobs import DeadJobs
from gtr_jobs.db.jobs import Jobs
from gtr_jobs.db.lineage_book import LineageBook
from gtr_jobs.db.operator import open_operator
from gtr_jobs.db.suppressions import MessageBook
from gtr_jobs.db.switches import SwitchTable
from gtr_jobs.domain.cron import Cron
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind
from gtr_jobs.ops.cron import CronOperations
from gtr_jobs.ops.dead import DeadOperations
from gtr_jobs.ops.jobs import JobOperations
from gtr_jobs.ops.switches import SwitchOperations
from gtr_jobs.settings import Settings
from gtr_jobs.worker.cron_table import CRON


@dataclass(frozen=True, slots=True)
class Operator:
    """Everything that an operator can do, and where it would happen.

    Args:
        dead: The list of the dead.
        jobs: The queues.
        cron: What is done at fixed times.
        switches: What is paused, limited and ramped.
        lineage: Whether the database is the one that it was.
        messages: Whom nothing is sent to, and what messages cost.
        target: Project, environment and address of the database, to be shown before an act.
    """

    dead: DeadOperations
    jobs: JobOperations
    cron: CronOperations
    switches: SwitchOperations
    lineage: LineageBook
    messages: MessageBook
    target: str


@asynccontextmanager
async def open_operations(settings: Settings) -> AsyncIterator[Operator]:
    """Connect to the database of GTR_ADMIN_DATABASE_URL for one command.

    Raises:
        ConfigurationError: The database is another project or environment than the settings say.
    """
    database = admin_database(settings)
    kinds, crons = _tables_of(settings)
    lives = {kind.name: kind.time_to_live for kind in kinds}
    async with open_operator(database) as connections:
        jobs = Jobs(connections)
        project, environment = await jobs.read_identity()
        for setting, ours, theirs in (
            ("GTR_PROJECT", settings.project, project),
            ("GTR_ENVIRONMENT", settings.environment, environment),
        ):
            if ours and theirs and ours != theirs:
                raise ConfigurationError(
                    f"{setting} is {ours!r}, but the database says that it is {theirs!r}",
                    f"correct GTR_ADMIN_DATABASE_URL or {setting}",
                )
        names = f"{project or 'no project'} / {environment or 'no environment'}"
        yield Operator(
            DeadOperations(DeadJobs(connections), jobs, lives),
            JobOperations(jobs, Audit(connections)),
            CronOperations(connections, crons),
            SwitchOperations(SwitchTable(connections), jobs),
            LineageBook(connections),
            MessageBook(connections),
            f"{names} at {database.describe()}",
        )


def make_note(reason: str, wanted: Mapping[str, Any]) -> Note:
    """Write down who acts, on which machine, and why."""
    return Note(uuid4(), _actor()[:200], reason, wanted)


def _tables_of(settings: Settings) -> tuple[tuple[Kind[Any], ...], tuple[Cron, ...]]:
    """Give the kinds of notification and the cron lines, with those of the app."""
    if settings.app is None:
        return KINDS, CRON
    # Most of what there is to load, and only an app needs it here.
    from gtr_jobs.app.extension import load_app  # noqa: PLC0415

    app = load_app(settings)
    return ((*KINDS, *app.kinds), (*CRON, *app.cron)) if app is not None else (KINDS, CRON)


def _actor() -> str:
    # From the system and not from the environment, which anybody sets.
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:
        # A container's user often has no name.
        name = f"uid {user_id}"
    return f"{name}@{socket.gethostname()}"
