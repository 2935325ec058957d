"""What the package itself does at fixed times. An app's own lines are those of `App(cron=...)`."""

from __future__ import annotations

from gtr_jobs.domain.cron import Cron

CRON: tuple[Cron, ...] = (
    # Not on the hour, when everybody's jobs begin.
    Cron("maintenance", "23 * * * *", kind="maintenance"),
)
