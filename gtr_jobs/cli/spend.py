"""`gtr-jobs spend`: what messages cost, a day and country."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gtr_jobs.app.operator import open_operations
from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.settings import read_settings


def spend(
    days: Annotated[int, typer.Option(min=1, max=366, help="Today and the days before.")] = 7,
    json: AsJson = False,
) -> None:
    """List what was sent a day and country, and what it cost. Needs GTR_ADMIN_DATABASE_URL.

    Expected is what is taken for messages of which the provider has told no price yet. Budgets count both.
    """

    async def read() -> None:
        async with open_operations(read_settings()) as operator:
            found = await operator.messages.list_spend(days)
        if json:
            show_json(found)
        elif not found:
            print("nothing was sent")
        else:
            show_rows(
                [
                    "day",
                    "channel",
                    "by",
                    "country",
                    "messages",
                    "segments",
                    "price",
                    "expected",
                    "currency",
                ],
                [
                    (
                        one.day,
                        one.channel,
                        one.provider,
                        one.country,
                        one.messages,
                        one.segments,
                        one.price,
                        one.expected,
                        one.currency,
                    )
                    for one in found
                ],
            )

    asyncio.run(read())
