"""All that another team's app needs: what it imports from here stays as it is.

    from gtr_jobs.extend import App, Queue, ...

    app = App(name="garage", version="0.1.0", kinds=(...), queues=(...), sql=Path(...))

`GTR_APP=garage.jobs:app` lets `gtr-jobs worker` and `gtr-jobs db` know it. See
docs/how-to/use-in-another-app.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtr_jobs.db.functions import Functions
from gtr_jobs.domain.cron import Cron
from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import (
    MESSAGES,
    NOTIFICATIONS,
    AppNotification,
    ChatMessage,
    Source,
    SourceRow,
)
from gtr_jobs.engine.batches import Finish, Handler
from gtr_jobs.engine.fence import may_send_now
from gtr_jobs.engine.job import Die, Done, HandBack, Job, JobEnd, TryAgain
from gtr_jobs.engine.levers import Levers
from gtr_jobs.engine.queue import Ack
from gtr_jobs.kinds.base import EVENT, LISTING, POST, Kind, Notice, Topic, tell_of
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.tasks.each_tick import DoTick, Tick, each_tick
from gtr_jobs.tasks.one_by_one import DoJob, one_by_one

__all__ = [
    "EVENT",
    "LISTING",
    "MESSAGES",
    "NOTIFICATIONS",
    "POST",
    "Ack",
    "App",
    "AppNotification",
    "ChatMessage",
    "Cron",
    "Die",
    "DoJob",
    "DoTick",
    "Done",
    "Finish",
    "Functions",
    "HandBack",
    "Handler",
    "Job",
    "JobEnd",
    "Kind",
    "Levers",
    "Logger",
    "Metrics",
    "Notice",
    "Queue",
    "Source",
    "SourceRow",
    "Tick",
    "Tools",
    "Topic",
    "TryAgain",
    "Urgency",
    "each_tick",
    "may_send_now",
    "one_by_one",
    "tell_of",
]

DEFAULT_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Tools:
    """What a queue's handler is given.

    Args:
        functions: The functions of the database that the worker may call.
        log: The worker's; ids and codes only, never content.
        metrics: The worker's; an app's own belong into `metrics.registry`.
        levers: What operators switched: ramps, features, and rates that all workers share.
    """

    functions: Functions
    log: Logger
    metrics: Metrics
    levers: Levers


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of an app's own.

    Args:
        name: Small letters, digits and underscores, at most 40.
        kinds: The kinds of job in it.
        make: Makes its handler, once a worker. See `one_by_one`.
        most_jobs: How many of its jobs a worker holds at a time; GTR_CONCURRENCY may say fewer.
        max_attempts: After so many a job is dead, 1 to 100.
        sends: What its handler does reaches people: it is paused when the database was restored.
    """

    name: str
    kinds: tuple[str, ...]
    make: Callable[[Tools], Handler]
    most_jobs: int = 50
    max_attempts: int = DEFAULT_ATTEMPTS
    sends: bool = True


@dataclass(frozen=True, slots=True)
class App:
    """What an app brings beside the package's own kinds and queues.

    Args:
        name: Small letters, digits and underscores: its files stand in the database's books under it.
        version: The app's own, as in `1.2.3`; grows with each release. A worker lives with functions
            of a newer version, and refuses those of an older one.
        kinds: Its kinds of notification; their jobs wait in the queue `push`.
        queues: Its own queues.
        cron: What it does at fixed times: each tick is a job of one of its queues. See `each_tick`.
        sql: Its folder of SQL, of the same shape as the package's; None where it has none.
        templates: Its folder of what SMS and e-mails say; None where it has none. One of a name that
            the package has stands in its place.
    """

    name: str
    version: str
    kinds: tuple[Kind[Any], ...] = ()
    queues: tuple[Queue, ...] = ()
    cron: tuple[Cron, ...] = ()
    sql: Path | None = None
    templates: Path | None = None
