"""`gtr-jobs dead`: the jobs that gave up: look, try again, discard."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.cli.consent import may_go_on
from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import (
    AsJson,
    ErrorLike,
    Fingerprint,
    JobId,
    JobIds,
    Kind,
    Limit,
    Reason,
    Since,
    Yes,
)
from gtr_jobs.cli.reports import show_chosen, show_job
from gtr_jobs.db.dead_jobs import DeadFilter
from gtr_jobs.domain.errors import StateError, UsageError
from gtr_jobs.domain.moment import parse_moment
from gtr_jobs.ops.dead import Chosen
from gtr_jobs.ops.names import check_reason
from gtr_jobs.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Jobs that gave up: look, try again, discard. Needs GTR_ADMIN_DATABASE_URL.",
)

Rate = Annotated[int, typer.Option(min=1, max=10_000, help="How many fall due in a second.")]


@app.command("list")
def list_dead(
    limit: Limit = 20,
    kind: Kind = None,
    since: Since = None,
    fingerprint: Fingerprint = None,
    error_like: ErrorLike = None,
    group: Annotated[
        bool, typer.Option("--group", help="Together by what they died of, with a count.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List dead jobs, newest first; counts of groups stop at 10,000."""
    wanted = _filter(kind, since, fingerprint, error_like)
    if group and (fingerprint or error_like):
        raise UsageError("--group goes with --kind, --since and --limit")
    if group:
        asyncio.run(_list_groups(wanted, limit, as_json=json))
    else:
        asyncio.run(_list_newest(wanted, limit, as_json=json))


@app.command()
def show(job_id: JobId, json: AsJson = False) -> None:
    """Tell all that is known of a dead job, and what came of its deliveries; never what it said."""
    asyncio.run(_show(job_id, as_json=json))


@app.command()
def requeue(  # noqa: PLR0913  (every option is an argument)
    reason: Reason,
    job_ids: JobIds = None,
    *,
    kind: Kind = None,
    since: Since = None,
    fingerprint: Fingerprint = None,
    error_like: ErrorLike = None,
    rate: Rate = 100,
    yes: Yes = False,
) -> None:
    """Try dead jobs again, with all their attempts; what was sent already is not sent again.

    Shows what would happen and asks. Where nobody can be asked, it needs --yes.
    """
    said = check_reason(reason)
    wanted = _filter(kind, since, fingerprint, error_like)
    chosen = asyncio.run(_choose(job_ids, wanted, "requeue", rate))
    if not chosen.job_ids:
        return
    if not chosen.can_run:
        raise StateError(
            f"no queue takes jobs of kind {', '.join(chosen.unknown_kinds)} any more",
            "they can be discarded",
        )
    if may_go_on("requeue", chosen.can_run, is_agreed=yes):
        asyncio.run(_requeue(chosen, rate, said))


@app.command()
def discard(
    reason: Reason,
    job_ids: JobIds = None,
    kind: Kind = None,
    since: Since = None,
    fingerprint: Fingerprint = None,
    error_like: ErrorLike = None,
    yes: Yes = False,
) -> None:
    """Take dead jobs off the list for good; the history and the audit still know of them.

    Shows what would happen and asks. Where nobody can be asked, it needs --yes.
    """
    said = check_reason(reason)
    wanted = _filter(kind, since, fingerprint, error_like)
    chosen = asyncio.run(_choose(job_ids, wanted, "discard"))
    if chosen.job_ids and may_go_on("discard", len(chosen.job_ids), is_agreed=yes):
        asyncio.run(_discard(chosen, said))


def _filter(
    kind: str | None, since: str | None, fingerprint: str | None, error_like: str | None
) -> DeadFilter:
    moment = None if since is None else parse_moment(since, datetime.now(UTC))
    return DeadFilter(kind, moment, fingerprint, error_like)


async def _list_newest(wanted: DeadFilter, limit: int, *, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        found = await operator.dead.list_newest(wanted, limit)
    if as_json:
        show_json(found)
        return
    show_rows(
        ["id", "died", "kind", "code", "error", "attempts", "fingerprint"],
        [
            (one.job_id, one.died_at, one.kind, one.code, one.error, one.attempts, one.fingerprint)
            for one in found
        ],
        {"code": "red", "fingerprint": "dim"},
    )


async def _list_groups(wanted: DeadFilter, limit: int, *, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        found = await operator.dead.list_groups(wanted.kind, wanted.since, limit)
    if as_json:
        show_json(found)
        return
    show_rows(
        ["count", "kind", "code", "error", "first seen", "last seen", "fingerprint"],
        [
            (
                one.jobs,
                one.kind,
                one.code,
                one.error,
                one.first_died_at,
                one.last_died_at,
                one.fingerprint,
            )
            for one in found
        ],
        {"code": "red", "fingerprint": "dim"},
    )


async def _show(job_id: int, *, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        report = await operator.jobs.show(job_id)
    if report.job.state != "dead":
        raise StateError(
            f"job {job_id} is not dead, it is {report.job.state}",
            f"`gtr-jobs jobs show {job_id}` tells more",
        )
    show_job(report, as_json=as_json)


async def _choose(
    job_ids: list[int] | None, wanted: DeadFilter, act: str, rate: int | None = None
) -> Chosen:
    if job_ids and not wanted.is_empty():
        raise UsageError("name ids, or what they have in common, not both")
    async with open_operations(read_settings()) as operator:
        if job_ids:
            chosen = await operator.dead.choose_named(job_ids)
        else:
            chosen = await operator.dead.choose(wanted)
    show_chosen(chosen, act, operator.target, rate)
    return chosen


async def _requeue(chosen: Chosen, rate: int, reason: str) -> None:
    note = make_note(reason, {**chosen.wanted, "rate": rate})
    async with open_operations(read_settings()) as operator:
        done = await operator.dead.requeue(chosen, rate, note, _report)
    print(f"Requeued {done.jobs}, with {done.deliveries} deliveries to send again.")
    _say_missing(done.jobs, chosen.can_run)


async def _discard(chosen: Chosen, reason: str) -> None:
    note = make_note(reason, chosen.wanted)
    async with open_operations(read_settings()) as operator:
        done = await operator.dead.discard(chosen, note, _report)
    print(f"Discarded {done}.")
    _say_missing(done, len(chosen.job_ids))


def _say_missing(done: int, meant: int) -> None:
    if done < meant:
        print(f"{meant - done} were no longer dead: somebody else was faster.", file=sys.stderr)


def _report(done: int, meant: int) -> None:
    if meant > done:
        print(f"{done} of {meant}", file=sys.stderr)
