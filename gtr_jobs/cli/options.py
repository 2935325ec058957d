"""Arguments and options that several commands of operators share."""

from __future__ import annotations

from typing import Annotated

import typer

LARGEST_ID = 2**63 - 1

JobId = Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The job.")]
JobIds = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="The jobs.", show_default=False),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[
    str, typer.Option(help="Why; kept in the audit, with who and when.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it, and do not ask.")]
Kind = Annotated[str | None, typer.Option(help="Jobs of this kind.", show_default=False)]
Since = Annotated[
    str | None,
    typer.Option(
        help="Those that died since then: 90m, 2h, 7d (so long ago), or a date and time in UTC.",
        show_default=False,
    ),
]
Fingerprint = Annotated[
    str | None,
    typer.Option(help="Those that died of the same, as --group shows it.", show_default=False),
]
ErrorLike = Annotated[
    str | None,
    typer.Option(
        help="Those whose code or error contains this; % stands for anything.", show_default=False
    ),
]
