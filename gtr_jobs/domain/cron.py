"""When something is to be done: cron expressions in a time zone, and what becomes of missed ticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

# What is done about ticks at which no worker lived: nothing, the last of them, or all of them.
Missed = Literal["skip", "last", "all"]

# A tick that is found so soon is on time, not missed: a worker that restarts takes seconds.
ON_TIME = timedelta(minutes=1)
MOST_MISSED = 1000

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FIELDS = 5
_FIRST_REACH = timedelta(hours=1)
_ANY_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """One line of a table of cron jobs.

    Args:
        name: Small letters, digits and underscores, at most 40; what was done is remembered under it.
        schedule: Five fields, as Debian's cron has them: minute, hour, day, month, weekday.
        kind: The kind of job that each tick enqueues.
        zone: In which the schedule is meant, as in `Europe/Berlin`.
        missed: What becomes of ticks at which no worker lived: `skip` them, do the `last` of them,
            or do them `all`, oldest first, and no more than `most_missed`.
        most_missed: How many missed ticks are done at most, the newest; 1 to 1000.
    """

    name: str
    schedule: str
    kind: str
    zone: str = "UTC"
    missed: Missed = "last"
    most_missed: int = 100


@dataclass(frozen=True, slots=True)
class DueTicks:
    """What is to be done now about one line of the table.

    Args:
        ticks: To be enqueued, oldest first.
        skipped: How many are not, by the line's policy; counts no further than it looked.
        passed: The newest tick that is thereby dealt with.
    """

    ticks: tuple[datetime, ...]
    skipped: int
    passed: datetime


def find_mistake(cron: Cron) -> str | None:
    """Say what is wrong with a line, in words that name the field; None where it is right."""
    # Another team writes it, with types or without.
    name: object = cron.name
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        return "`name` wants small letters, digits and underscores, at most 40, a letter first"
    if cron.missed not in get_args(Missed):
        return f"`missed` is none of {', '.join(get_args(Missed))}"
    if not 1 <= cron.most_missed <= MOST_MISSED:
        return f"`most_missed` is 1 to {MOST_MISSED}"
    return _find_mistake_in_time(cron)


def _find_mistake_in_time(cron: Cron) -> str | None:
    try:
        ZoneInfo(cron.zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return "`zone` is no time zone such as Europe/Berlin"
    schedule: object = cron.schedule
    if not isinstance(schedule, str) or len(schedule.split()) != _FIELDS:
        return "`schedule` wants five fields: minute, hour, day, month, weekday"
    try:
        CronSim(schedule, _ANY_MOMENT)
    except CronSimError as error:
        return f"`schedule` cannot be read ({error})".replace("Bad ", "wrong ")
    return None if next_tick(cron, _ANY_MOMENT) else "`schedule` never comes"


def next_tick(cron: Cron, after: datetime) -> datetime | None:
    """Give the first tick after a moment, in UTC; None where there is none within fifty years.

    At the change of the clocks it does as Debian's cron does: what is due at a fixed hour that is
    left out comes right after the gap, and in an hour that comes twice it is done the first time;
    what is due every so many minutes or every hour goes by the time that passes.
    """
    return next(_ticks(cron, after), None)


def _ticks(cron: Cron, after: datetime) -> Iterator[datetime]:
    for tick in CronSim(cron.schedule, after.astimezone(ZoneInfo(cron.zone))):
        moment = tick.astimezone(UTC)
        # From the second pass of an hour that comes twice, the library begins at the first.
        if moment > after:
            yield moment


def find_newest(cron: Cron, after: datetime, until: datetime, most: int) -> list[datetime]:
    """List the newest ticks after one moment until another, at most so many, oldest first.

    It looks back only as far as it must: years without a worker cost no more than hours.
    """
    reach = _FIRST_REACH
    while True:
        begin = max(after, until - reach)
        found = list(takewhile(lambda tick: tick <= until, _ticks(cron, begin)))
        if len(found) >= most or begin == after:
            return found[-most:]
        reach *= 4


def find_due(cron: Cron, last: datetime, now: datetime) -> DueTicks | None:
    """Say what is to be done now, where everything up to a last tick was dealt with.

    Args:
        cron: The line.
        last: The newest tick that was dealt with.
        now: By the clock of the database.

    Returns:
        None where no tick has come since.
    """
    most_on_time = int(ON_TIME / timedelta(minutes=1)) + 1
    found = find_newest(cron, last, now, cron.most_missed + most_on_time + 1)
    if not found:
        return None
    on_time = [tick for tick in found if tick > now - ON_TIME]
    missed = [tick for tick in found if tick <= now - ON_TIME]
    match cron.missed:
        case "skip":
            ticks = on_time
        case "last":
            ticks = on_time or missed[-1:]
        case "all":
            ticks = missed[-cron.most_missed :] + on_time
    return DueTicks(tuple(ticks), len(found) - len(ticks), found[-1])
