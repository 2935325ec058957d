"""`gtr-jobs queues`: how much every queue holds, and who drains them; stops and starts them."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gtr_jobs.app.operator import open_operations
from gtr_jobs.cli.listing import say, show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.cli.switching import For, Why, clear_switch, set_switch
from gtr_jobs.db.switches import SetSwitch, SwitchKey
from gtr_jobs.settings import read_settings

app = typer.Typer(invoke_without_command=True)

_Queue = Annotated[str, typer.Argument(metavar="NAME", help="The queue.")]


@app.callback()
def queues(context: typer.Context, json: AsJson = False) -> None:
    """Tell how much every queue holds, how long the oldest has waited, and which workers live.

    Counts stop at 10,000. Needs GTR_ADMIN_DATABASE_URL.
    """
    if context.invoked_subcommand is None:
        asyncio.run(_show(as_json=json))


@app.command()
def pause(name: _Queue, lasting: For = None, reason: Why = None) -> None:
    """Begin no more jobs of a queue; what is being done ends."""
    set_switch(SwitchKey("pause", "queue", name), None, lasting, reason)


@app.command()
def resume(name: _Queue, reason: Why = None) -> None:
    """Go on with a queue that was paused."""
    clear_switch(SwitchKey("pause", "queue", name), reason)


async def _show(*, as_json: bool) -> None:
    async with open_operations(read_settings()) as operator:
        report = await operator.jobs.read_queues()
        pauses = [one for one in await operator.switches.list_all() if one.lever == "pause"]
    if as_json:
        show_json({"queues": report.depths, "workers": report.living, "pauses": pauses})
        return
    show_rows(
        ["queue", "ready", "scheduled", "doing", "dead", "oldest due"],
        [
            (one.queue, one.ready, one.scheduled, one.doing, one.dead, one.oldest_due_seconds)
            for one in report.depths
        ],
        {"dead": "red"},
    )
    print()
    for one in pauses:
        print(_say_pause(one))
    if not report.living:
        print("no worker is alive")
        return
    show_rows(
        ["worker", "jobs", "last heartbeat"],
        [(one.worker_id, one.jobs, one.silent_seconds) for one in report.living],
    )


def _say_pause(pause: SetSwitch) -> str:
    until = "" if pause.expires_at is None else f" until {say(pause.expires_at)}"
    aside = f", {pause.jobs} jobs set aside" if pause.jobs else ""
    return (
        f"{pause.scope} {say(pause.name)} is paused{until} by {say(pause.set_by)}"
        f" ({say(pause.reason)}){aside}"
    )
