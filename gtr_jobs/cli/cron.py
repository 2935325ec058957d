"""`gtr-jobs cron`: what is done at fixed times."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime

from gtr_jobs.app.operator import open_operations
from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.settings import read_settings


def cron(json: AsJson = False) -> None:
    """List what is done at fixed times: when it was last done, and when it will be, in its zone.

    Needs GTR_ADMIN_DATABASE_URL.
    """
    asyncio.run(_show(as_json=json))


async def _show(*, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        lines = await operator.cron.read()
    if as_json:
        show_json(
            [
                dataclasses.asdict(line) | {"last": _write(line.last), "next": _write(line.next)}
                for line in lines
            ]
        )
        return
    show_rows(
        ["name", "schedule", "zone", "missed", "kind", "last", "next"],
        [
            (
                line.name,
                line.schedule or "not in this version",
                line.zone,
                line.missed,
                line.kind,
                _write(line.last),
                _write(line.next),
            )
            for line in lines
        ],
    )


def _write(tick: datetime | None) -> str | None:
    # With its offset: an hour that comes twice is told apart.
    return None if tick is None else tick.isoformat(timespec="minutes")
