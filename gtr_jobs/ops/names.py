"""What operators write, held against what there is."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from gtr_jobs.domain.errors import UsageError

_LONGEST_REASON = 500


def check_name(what: str, name: str | None, known: Collection[str]) -> None:
    """Refuse a name that is not known.

    Raises:
        UsageError: It is not; names the nearest that is, or all.
    """
    if name is None or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(known))}"
    raise UsageError(f"no {what} {name!r}", hint)


def check_text(what: str, text: str | None) -> None:
    """Refuse a text that is none.

    Raises:
        UsageError: It holds bytes that are no UTF-8.
    """
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is no text in UTF-8") from None


def check_reason(reason: str) -> str:
    """Give a reason as the audit keeps it.

    Raises:
        UsageError: It is empty, too long or no text.
    """
    check_text("--reason", reason)
    said = " ".join(reason.split())
    if not 1 <= len(said) <= _LONGEST_REASON:
        raise UsageError(
            f"--reason wants 1 to {_LONGEST_REASON} characters",
            "say why, for whoever reads the audit",
        )
    return said
