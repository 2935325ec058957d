"""`gtr-jobs resume`: lets sending go on after the database was restored or failed over."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.lineage import explain_reasons
from gtr_jobs.ops.names import check_reason
from gtr_jobs.settings import read_settings


def resume(
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge", help="You have looked: what waits may be sent, some of it again."
        ),
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why; kept in the audit, with who and when.")
    ] = "acknowledged",
) -> None:
    """Let sending go on that was paused because the database is another or an older one.

    Says first why it was paused. Needs GTR_ADMIN_DATABASE_URL.
    """
    asyncio.run(_resume(check_reason(reason), acknowledge=acknowledge))


async def _resume(reason: str, *, acknowledge: bool) -> None:
    async with open_operations(read_settings()) as operator:
        if not acknowledge:
            state = await operator.lineage.read()
            why = explain_reasons(state.reasons) if state is not None else ""
            paused = f"sending is paused: {why}" if why else "no worker has paused sending"
            raise UsageError(
                f"{operator.target}: {paused}",
                "look at what waits (gtr-jobs jobs list), then say gtr-jobs resume --acknowledge",
            )
        reasons = await operator.lineage.acknowledge(make_note(reason, {"acknowledge": True}))
    if not reasons:
        print(f"{operator.target}: sending was not paused.")
        return
    print(f"{operator.target}: sending goes on. It was paused: {explain_reasons(reasons)}.")
