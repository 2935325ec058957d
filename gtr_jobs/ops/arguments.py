"""A job's arguments, as far as they may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID


def show_arguments(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Show ids, and of all else only what it is: arguments should hold no content, and a wrong one might."""
    return {name: _show(value) for name, value in arguments.items()}


def _show(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return value if _is_id(value) else f"({len(value)} characters, not shown)"
        case int() | float():
            return "(a number, not shown)"
        case list():
            return f"({len(value)} values, not shown)"
        case _:
            return f"({len(value)} entries, not shown)"


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
