"""What every command that switches something has in common."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import typer

from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.cli.listing import say
from gtr_jobs.db.switches import SetSwitch, SwitchKey
from gtr_jobs.domain.span import parse_span
from gtr_jobs.ops.names import check_reason
from gtr_jobs.ops.switches import describe
from gtr_jobs.settings import read_settings

For = Annotated[
    str | None,
    typer.Option(
        "--for", help="For so long: 30s, 15m, 2h, 7d; otherwise until it is undone.", metavar="SPAN"
    ),
]
Why = Annotated[
    str | None,
    typer.Option("--reason", help="Why; shown, and kept in the audit.", show_default=False),
]

_NO_REASON = "no reason given"


def set_switch(
    key: SwitchKey, amount: Decimal | None, lasting: str | None, reason: str | None
) -> None:
    """Set a switch, and say what is set."""
    seconds = None if lasting is None else parse_span(lasting)
    said = check_reason(reason) if reason is not None else _NO_REASON
    wanted = {**_wanted(key), "for_seconds": seconds} | (
        {} if amount is None else {"amount": float(amount)}
    )
    asyncio.run(_set(key, amount, seconds, said, wanted))


def clear_switch(key: SwitchKey, reason: str | None) -> None:
    """Take a switch away, and say so."""
    said = check_reason(reason) if reason is not None else _NO_REASON
    asyncio.run(_clear(key, said))


async def read_switches() -> list[SetSwitch]:
    """Read what is switched now."""
    async with open_operations(read_settings()) as operator:
        return await operator.switches.list_all()


def say_amount(switch: SetSwitch) -> str:
    """Write a switch's value as people read it."""
    amount = "" if switch.amount is None else f"{float(switch.amount):.12g}"
    match switch.lever:
        case "limit":
            per = f" per {switch.key_argument}" if switch.key_argument else ""
            return f"{amount} at once{per}"
        case "rate":
            return f"{float(amount):.4g}/s"
        case "ramp":
            return f"{amount}%"
        case _:
            return amount


async def _set(
    key: SwitchKey,
    amount: Decimal | None,
    seconds: float | None,
    said: str,
    wanted: dict[str, object],
) -> None:
    async with open_operations(read_settings()) as operator:
        expires_at = await operator.switches.set_one(key, amount, seconds, make_note(said, wanted))
        target = operator.target
    until = "until it is undone" if expires_at is None else f"until {say(expires_at)}"
    print(f"{target}: {describe(key)} is set {until}; every worker obeys within a second.")


async def _clear(key: SwitchKey, said: str) -> None:
    async with open_operations(read_settings()) as operator:
        await operator.switches.clear_one(key, make_note(said, _wanted(key)))
        target = operator.target
    print(f"{target}: {describe(key)} is off; every worker obeys within a second.")


def _wanted(key: SwitchKey) -> dict[str, object]:
    wanted = {"lever": key.lever, "scope": key.scope, "name": key.name}
    return {**wanted, "per": key.key_argument} if key.key_argument else dict(wanted)
