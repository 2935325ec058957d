"""`gtr-jobs suppress`: whom nothing is sent to, and why."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Literal

import typer

from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import AsJson, Limit, Reason
from gtr_jobs.domain.email_address import parse_address
from gtr_jobs.domain.phone import parse_phone
from gtr_jobs.ops.names import check_reason
from gtr_jobs.settings import read_settings

Channel = Literal["sms", "email"]
WhichChannel = Annotated[Channel, typer.Argument(help="What is not sent.")]
Address = Annotated[
    str,
    typer.Argument(
        help="The number or address; - reads it from standard input, where no other process sees it."
    ),
]

app = typer.Typer(
    no_args_is_help=True,
    help="Whom nothing is sent to, and why. Needs GTR_ADMIN_DATABASE_URL.",
)


def read_address(channel: Channel, given: str) -> str:
    """Read a number or an address as it is known to the database.

    Raises:
        UsageError: It is none; it is not shown.
    """
    text = sys.stdin.read(1_000) if given == "-" else given
    return parse_phone(text) if channel == "sms" else parse_address(text).text


@app.command("list")
def list_suppressions(
    channel: Annotated[
        Channel | None, typer.Argument(help="Of texts or e-mails only.", show_default=False)
    ] = None,
    address: Annotated[
        str | None,
        typer.Argument(
            help="Of one number or address only; - reads it from standard input.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List whom nothing is sent to, the newest first; addresses are shown by their hash."""
    known = None if channel is None or address is None else read_address(channel, address)

    async def read() -> None:
        async with open_operations(read_settings()) as operator:
            found = await operator.messages.list_suppressions(channel, known, limit)
        if json:
            show_json(found)
        elif not found:
            print("nobody is suppressed" if known is None else "not suppressed")
        else:
            show_rows(
                ["channel", "address", "reason", "by", "since"],
                [(one.channel, one.address, one.reason, one.source, one.since) for one in found],
            )

    asyncio.run(read())


@app.command()
def add(channel: WhichChannel, address: Address, reason: Reason) -> None:
    """Send nothing more to a number or address."""
    known, why = read_address(channel, address), check_reason(reason)

    async def act() -> None:
        async with open_operations(read_settings()) as operator:
            note = make_note(why, {"channel": channel})
            is_new = await operator.messages.suppress(channel, known, note)
            done = "nothing more is sent there" if is_new else "it was suppressed before"
            print(f"{operator.target}: {done}.")

    asyncio.run(act())


@app.command()
def remove(
    channel: WhichChannel,
    address: Address,
    reason: Reason,
    only: Annotated[
        Literal[
            "unsubscribed", "landline", "no_sms", "invalid", "bounced", "complained", "operator"
        ]
        | None,
        typer.Option(
            help="End one of the reasons, and leave the others standing.", show_default=False
        ),
    ] = None,
) -> None:
    """Let messages go to a number or address again; a STOP at Twilio ends with START only."""
    known, why = read_address(channel, address), check_reason(reason)

    async def act() -> None:
        async with open_operations(read_settings()) as operator:
            note = make_note(why, {"channel": channel, "only": only})
            ended = await operator.messages.unsuppress(channel, known, only, note)
            done = f"{ended} reasons ended" if ended else "it was not suppressed"
            print(f"{operator.target}: {done}.")

    asyncio.run(act())
