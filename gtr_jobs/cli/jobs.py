"""`gtr-jobs jobs`: what waits and what is being done."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from typing import Annotated

import typer

from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.cli.consent import may_go_on
from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import LARGEST_ID, AsJson, JobId, Kind, Limit, Reason, Yes
from gtr_jobs.cli.reports import show_job
from gtr_jobs.db.jobs import KnownJob
from gtr_jobs.domain.errors import StateError
from gtr_jobs.ops.names import check_reason
from gtr_jobs.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    help="What waits and what is being done. Needs GTR_ADMIN_DATABASE_URL.",
)


class State(StrEnum):
    """Where a job stands in its queue."""

    DOING = "doing"
    READY = "ready"
    SCHEDULED = "scheduled"


@app.command("list")
def list_jobs(
    queue: Annotated[
        str | None, typer.Option(help="Jobs of this queue.", show_default=False)
    ] = None,
    kind: Kind = None,
    state: Annotated[
        State | None, typer.Option(help="Being done, ready, or for later.", show_default=False)
    ] = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """List jobs: those that are being done, then as they would be done."""
    asyncio.run(_list(queue, kind, state, limit, as_json=json))


@app.command()
def show(job_id: JobId, json: AsJson = False) -> None:
    """Tell all that is known of a job, waiting, dead or gone; never what it says."""
    asyncio.run(_show(job_id, as_json=json))


@app.command()
def cancel(
    job_ids: Annotated[
        list[int], typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The jobs.")
    ],
    reason: Reason,
    yes: Yes = False,
) -> None:
    """Take waiting jobs out of their queues; one that is being done is refused.

    Shows what would happen and asks. Where nobody can be asked, it needs --yes.
    """
    said = check_reason(reason)
    chosen = asyncio.run(_choose(job_ids))
    if may_go_on("cancel", len(chosen), is_agreed=yes):
        asyncio.run(_cancel([job.job_id for job in chosen], said))


async def _list(
    queue: str | None, kind: str | None, state: State | None, limit: int, *, as_json: bool
) -> None:
    async with open_operations(read_settings()) as operator:
        found = await operator.jobs.list_open(queue, kind, state and state.value, limit)
    if as_json:
        show_json(found)
        return
    show_rows(
        ["id", "queue", "kind", "state", "attempts", "worker", "due", "enqueued"],
        [
            (
                one.job_id,
                one.queue,
                one.kind,
                one.state,
                one.attempts,
                one.worker_id,
                one.scheduled_at,
                one.enqueued_at,
            )
            for one in found
        ],
    )


async def _show(job_id: int, *, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        report = await operator.jobs.show(job_id)
    show_job(report, as_json=as_json)


async def _choose(job_ids: list[int]) -> list[KnownJob]:
    async with open_operations(read_settings()) as operator:
        chosen = await operator.jobs.choose_waiting(job_ids)
    print(f"{operator.target}: would cancel {len(chosen)} waiting job{'s' * (len(chosen) != 1)}\n")
    show_rows(
        ["id", "queue", "kind", "state", "attempts", "enqueued"],
        [
            (one.job_id, one.queue, one.kind, one.state, one.attempts, one.enqueued_at)
            for one in chosen
        ],
    )
    print()
    return chosen


async def _cancel(job_ids: list[int], reason: str) -> None:
    async with open_operations(read_settings()) as operator:
        done = await operator.jobs.cancel(job_ids, make_note(reason, {"ids": job_ids}))
    print(f"Cancelled {len(done)}.")
    missed = [str(job_id) for job_id in job_ids if job_id not in done]
    if missed:
        print(f"A worker took {', '.join(missed)} in the meantime.", file=sys.stderr)
        raise typer.Exit(StateError.exit_code)
