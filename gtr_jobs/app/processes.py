"""Puts the parent of worker processes together. It loads no more than it needs: it stays small."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gtr_jobs.http.parent_site import make_parent_site
from gtr_jobs.http.server import HttpServer
from gtr_jobs.observe.logs import configure_logs, flush_logs, get_logger
from gtr_jobs.observe.merging import MergedMetrics
from gtr_jobs.observe.processes import ProcessMetrics
from gtr_jobs.ops.processes import ProcessStatus, ProcessTable
from gtr_jobs.settings import Settings
from gtr_jobs.worker.cores import count_cores
from gtr_jobs.worker.parent import Parent, ParentParts


def processes_wanted(settings: Settings) -> int:
    """Say how many processes a worker is to have: as many as there are cores, where that is asked."""
    return count_cores() if settings.processes == "auto" else settings.processes


def run_processes(settings: Settings, count: int, given: Mapping[str, Any]) -> int:
    """Run so many worker processes until told to stop; give the exit code.

    Args:
        settings: The parent's.
        count: How many.
        given: Settings that the command line gave: the processes read the others themselves.
    """
    configure_logs(settings.log_format, settings.log_level)
    table = ProcessTable(tuple(ProcessStatus(number + 1) for number in range(count)))
    merged, metrics = MergedMetrics(), ProcessMetrics()
    site = HttpServer(
        make_parent_site(table, merged, metrics), settings.http_host, settings.http_port
    )

    async def run() -> int:
        return await Parent(
            ParentParts(
                table=table,
                merged=merged,
                metrics=metrics,
                site=site,
                log=get_logger(),
                given=given,
                grace_seconds=settings.shutdown_grace_seconds,
            )
        ).run()

    try:
        return asyncio.run(run())
    finally:
        flush_logs()
