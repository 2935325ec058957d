"""What the package itself does at fixed times. An app's own lines are those of `App(cron=...)`."""

from __future__ import annotations

from gtr_jobs.domain.cron import Cron

CRON: tuple[Cron, ...] = (
    # A receipt is there fifteen minutes after its push: nobody waits for one to the minute.
    Cron("expo_receipts", "2-59/5 * * * *", kind="expo_receipts"),
    # What texts cost is known to their provider some minutes later.
    Cron("sms_records", "4-59/5 * * * *", kind="sms_records"),
    # Not on the hour, when everybody's jobs begin.
    Cron("maintenance", "23 * * * *", kind="maintenance"),
)
