"""An app of a test's own that does something at fixed times, written to where a worker finds it."""

from __future__ import annotations

from pathlib import Path

MODULE = """
from gtr_jobs.extend import App, Cron, Done, Queue, each_tick

def make(tools):
    async def note(job, tick):
        tools.log.info({event!r}, cron=tick.cron, kind=job.kind, at=tick.at.isoformat())
        return Done()
    return each_tick(note, tools.log)

app = App(
    name="clockwork",
    version="0.1.0",
    queues=(Queue("reports", ("hourly_report", "daily_report"), make),),
    cron=(
        Cron("hourly", "0 * * * *", "hourly_report", missed="all", most_missed=24),
        Cron("daily", "30 6 * * *", "daily_report", zone="Europe/Berlin", missed="skip"),
    ),
)
"""
# An event of ours that nothing else of a worker of these tests says.
EVENT = "searches.matched"


def write_clockwork(folder: Path) -> dict[str, str]:
    """Write the app; give the settings with which commands and workers find it."""
    (folder / "clockwork_jobs.py").write_text(MODULE.format(event=EVENT))
    return {"GTR_APP": "clockwork_jobs:app", "PYTHONPATH": str(folder)}
