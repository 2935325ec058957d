"""Asks before anything is changed: what would happen was shown by then."""

from __future__ import annotations

import sys

import typer

# From here on a key pressed by habit is not enough.
MANY = 100


def may_go_on(act: str, count: int, *, is_agreed: bool) -> bool:
    """Say whether to do what was shown.

    Args:
        act: The verb, as in `requeue`.
        count: How many jobs it is about.
        is_agreed: `--yes` was said.

    Returns:
        False where nobody is there to ask: what was shown was a dry run.

    Raises:
        typer.Exit: Somebody was asked and did not agree.
    """
    if is_agreed:
        return True
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        print(f"Nothing was done. Say --yes to {act}.", file=sys.stderr)
        return False
    if count > MANY:
        is_meant = _ask(f"Type {count} to {act} them: ") == str(count)
    else:
        is_meant = _ask(f"Really {act}? [y/N] ") in {"y", "yes"}
    if not is_meant:
        print("Nothing was done.", file=sys.stderr)
        raise typer.Exit(1)
    return True


def _is_terminal(stream: object) -> bool:
    return bool(stream is not None and getattr(stream, "isatty", bool)())


def _ask(question: str) -> str:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower()
