"""How the command line shows rows: a table on a terminal, aligned text elsewhere, or JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def show_rows(
    heads: Sequence[str], rows: Sequence[Sequence[object]], styles: Mapping[str, str] | None = None
) -> None:
    """Show rows under their heads; numbers stand on the right.

    Args:
        heads: What the columns are.
        rows: Their values.
        styles: Colours of columns, by head, for a terminal.
    """
    texts = [[say(value) for value in row] for row in rows]
    numbers = {
        place
        for place in range(len(heads))
        if rows and all(type(row[place]) in {int, float} for row in rows)
    }
    if is_at_terminal():
        # What only a terminal shows is loaded for a terminal only.
        from rich import box  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, head in enumerate(heads):
            table.add_column(
                head,
                justify="right" if place in numbers else "left",
                style=(styles or {}).get(head),
                overflow="fold",
            )
        for row in texts:
            table.add_row(*(Text(text) for text in row))
        Console(highlight=False).print(table)
        return
    lines = [list(heads), *texts]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    for line in lines:
        cells = (
            text.rjust(width) if place in numbers else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def is_at_terminal() -> bool:
    """Whether somebody sees the output; nobody does where it was closed from the start."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_fields(fields: Mapping[str, object]) -> None:
    """Show what is known of one thing, a line each; what is not known is left out."""
    known = {name: say(value) for name, value in fields.items() if value is not None}
    width = max((len(name) for name in known), default=0)
    for name, text in known.items():
        print(f"{name:{width}}  {text}".rstrip())


def show_json(value: object) -> None:
    """Show a value, or records, as JSON."""
    print(json.dumps(value, default=_as_json, indent=2, ensure_ascii=True))


def say(value: object) -> str:
    """Write a value as people read it; nothing that came from elsewhere steers the terminal."""
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value}"
        case float():
            return say_seconds(value)
        case _:
            text = " ".join(str(value).split())
            return "".join(
                sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text
            )


def say_seconds(seconds: float) -> str:
    """Write how long something lasts, in its two largest units."""
    left = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def _as_json(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date() | UUID():
            return str(value)
        case Decimal():
            return float(value)
        case _:
            raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
