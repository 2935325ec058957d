"""`gtr-jobs queues`: how much every queue holds, and who drains them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from gtr_jobs.app.operator import open_operations
from gtr_jobs.cli.listing import say, show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.domain.lineage import explain_reasons
from gtr_jobs.settings import read_settings


def queues(json: AsJson = False) -> None:
    """Tell how much every queue holds, how long the oldest has waited, and which workers live.

    Counts stop at 10,000. Needs GTR_ADMIN_DATABASE_URL.
    """
    asyncio.run(_show(as_json=json))


async def _show(*, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        report = await operator.jobs.read_queues()
        lineage = await operator.lineage.read()
    paused = lineage if lineage is not None and lineage.paused_since is not None else None
    if as_json:
        sending = None if paused is None else asdict(paused)
        show_json({"queues": report.depths, "workers": report.living, "sending_paused": sending})
        return
    if paused is not None:
        print(
            f"sending is paused since {say(paused.paused_since)}: {explain_reasons(paused.reasons)}"
        )
        print("look at what waits, then: gtr-jobs resume --acknowledge\n")
    show_rows(
        ["queue", "ready", "scheduled", "doing", "dead", "oldest due"],
        [
            (one.queue, one.ready, one.scheduled, one.doing, one.dead, one.oldest_due_seconds)
            for one in report.depths
        ],
        {"dead": "red"},
    )
    print()
    if not report.living:
        print("no worker is alive")
        return
    show_rows(
        ["worker", "jobs", "last heartbeat"],
        [(one.worker_id, one.jobs, one.silent_seconds) for one in report.living],
    )
