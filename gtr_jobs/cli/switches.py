"""`gtr-jobs switches`: pause, limit, ramp: every worker obeys within a second."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import typer

from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.cli.switching import For, Why, clear_switch, read_switches, say_amount, set_switch
from gtr_jobs.db.switches import SwitchKey
from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.span import parse_percent, parse_rate
from gtr_jobs.domain.switches import PauseScope, RampScope, RateScope

OFF = "off"

app = typer.Typer(
    no_args_is_help=True,
    help="Pause, limit, ramp: every worker obeys within a second. Needs GTR_ADMIN_DATABASE_URL.",
)

_PauseScope = Annotated[PauseScope, typer.Argument(help="What is paused.")]
_RateScope = Annotated[RateScope, typer.Argument(help="What the rate is for.")]
_RampScope = Annotated[RampScope, typer.Argument(help="A kind of notification, or a feature.")]
_Name = Annotated[str, typer.Argument(help="Which.")]


@app.command("list")
def list_switches(json: AsJson = False) -> None:
    """List what is switched now, who did it, why, and until when."""
    switches = asyncio.run(read_switches())
    if json:
        show_json(switches)
        return
    if not switches:
        print("nothing is switched")
        return
    show_rows(
        ["switch", "of", "name", "value", "set aside", "until", "by", "since", "reason"],
        [
            (
                one.lever.replace("_", " "),
                one.scope,
                one.name,
                say_amount(one),
                one.jobs if one.jobs is not None else "",
                one.expires_at,
                one.set_by,
                one.set_at,
                one.reason,
            )
            for one in switches
        ],
        {"switch": "yellow"},
    )


@app.command()
def pause(scope: _PauseScope, name: _Name, lasting: For = None, reason: Why = None) -> None:
    """Begin nothing more of a queue, kind, provider or channel; what is being sent ends."""
    set_switch(SwitchKey("pause", scope, name), None, lasting, reason)


@app.command()
def resume(scope: _PauseScope, name: _Name, reason: Why = None) -> None:
    """End a pause: what it kept waiting goes on where it stood."""
    clear_switch(SwitchKey("pause", scope, name), reason)


@app.command()
def limit(
    queue: Annotated[str, typer.Argument(help="The queue.")],
    most: Annotated[str, typer.Argument(help="How many may run at once; or off.")],
    per: Annotated[
        str | None,
        typer.Option(
            help="Of each value of this argument of its jobs, as in --per id.", show_default=False
        ),
    ] = None,
    lasting: For = None,
    reason: Why = None,
) -> None:
    """Limit how many jobs of a queue run at once, over all workers together."""
    key = SwitchKey("limit", "queue", queue, per or "")
    if most == OFF:
        clear_switch(key, reason)
    else:
        set_switch(key, _read_limit(most), lasting, reason)


@app.command()
def rate(
    scope: _RateScope,
    name: _Name,
    speed: Annotated[str, typer.Argument(metavar="RATE", help="As 50/s, 300/m or 1000/h; or off.")],
    lasting: For = None,
    reason: Why = None,
) -> None:
    """Limit how many jobs of a queue are begun, or how much goes out, over all workers together."""
    key = SwitchKey("rate", scope, name)
    if speed == OFF:
        clear_switch(key, reason)
    else:
        set_switch(key, parse_rate(speed), lasting, reason)


@app.command()
def ramp(
    scope: _RampScope,
    name: _Name,
    percent: Annotated[str, typer.Argument(help="As 5 or 0.25%, 0 for test users only; or off.")],
    lasting: For = None,
    reason: Why = None,
) -> None:
    """Give a kind or a feature to a part of all people, always the same ones, and to test users.

    Off: a kind is for everybody, a feature for nobody.
    """
    key = SwitchKey("ramp", scope, name)
    if percent == OFF:
        clear_switch(key, reason)
    else:
        set_switch(key, parse_percent(percent), lasting, reason)


@app.command("test-user")
def put_test_user(
    user_id: Annotated[UUID, typer.Argument(metavar="USER_ID", help="A person of the app.")],
    remove: Annotated[bool, typer.Option("--remove", help="No longer.")] = False,
    lasting: For = None,
    reason: Why = None,
) -> None:
    """Put a person into every ramp."""
    key = SwitchKey("test_user", "user", str(user_id))
    if remove:
        clear_switch(key, reason)
    else:
        set_switch(key, None, lasting, reason)


def _read_limit(text: str) -> Decimal:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:7]) <= 100_000 and len(text) < 7):
        raise UsageError(f"{text!r} is no limit", "write a number from 1 to 100000; or off")
    return Decimal(text)
