"""What operators see of the cron tables: each line with its last and its next tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gtr_jobs.db.cron import RememberedCron, list_cron
from gtr_jobs.db.operator import Connections
from gtr_jobs.domain.cron import Cron, next_tick


@dataclass(frozen=True, slots=True)
class CronReport:
    """One line; times are in its zone.

    Args:
        name: The line's.
        schedule: None where this version has no such line, and the database remembers one.
        zone: In which it is meant.
        kind: The kind of job that a tick enqueues.
        missed: What becomes of missed ticks.
        last: The newest tick that was enqueued; None where there was none.
        next: The next tick; None where no worker has ever watched the line.
    """

    name: str
    schedule: str | None
    zone: str
    kind: str | None
    missed: str | None
    last: datetime | None
    next: datetime | None


class CronOperations:
    """The cron tables, for the command line.

    Args:
        connections: To the database that remembers them.
        crons: The lines of this version and its app.
    """

    def __init__(self, connections: Connections, crons: Sequence[Cron]) -> None:
        self._connections = connections
        self._crons = crons

    async def read(self) -> list[CronReport]:
        """Tell of every line, in code or remembered."""
        return report_lines(self._crons, await list_cron(self._connections))


def report_lines(crons: Sequence[Cron], remembered: Iterable[RememberedCron]) -> list[CronReport]:
    """Put the lines in code beside what the database remembers of them."""
    known = {one.name: one for one in remembered}
    reports = [_report(cron, known.pop(cron.name, None)) for cron in crons]
    gone = [
        CronReport(one.name, None, "UTC", None, None, one.enqueued_tick, None)
        for one in known.values()
    ]
    return [*reports, *gone]


def _report(cron: Cron, remembered: RememberedCron | None) -> CronReport:
    zone = ZoneInfo(cron.zone)
    last = remembered and remembered.enqueued_tick
    following = remembered and next_tick(cron, remembered.read_at)
    return CronReport(
        name=cron.name,
        schedule=cron.schedule,
        zone=cron.zone,
        kind=cron.kind,
        missed=cron.missed,
        last=last.astimezone(zone) if last else None,
        next=following.astimezone(zone) if following else None,
    )
