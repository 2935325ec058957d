"""Keeps people and secrets out of the log, and the log's lines whole.

The daemon's own code logs ids and codes only. This is the second wall, for what libraries and error
messages bring along.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

MAX_TEXT = 4096

# Read no further: a megabyte is searched for seconds, and shown for nothing.
_LONGEST_READ = 4 * MAX_TEXT

# Each begins where a word does: a pattern that may begin at every sign of a long word takes for ever.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:postgres(?:ql)?)://[^\s'\"]+", re.IGNORECASE), "[dsn]"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|authorization|api[_-]?key)\b(\s*[=:]\s*)\S+"),
        r"\1\2[secret]",
    ),
    (re.compile(r"(?i)\bbearer\s+[\w.~+/=-]+"), "[bearer]"),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "[jwt]"),
    (re.compile(r"Expo(?:nent)?PushToken\[[^\]]*\]?"), "[push token]"),
    (re.compile(r"(?<![\w-])[\w-]{8,}:[\w-]{60,}"), "[push token]"),
    (re.compile(r"\b[0-9a-fA-F]{64,}\b"), "[push token]"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL), "[key]"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<![\w-])\+\d[\d ()-]{6,}\d"), "[phone]"),
)

# Ids, codes and names of ours, which are most of what is logged: no secret is so short and so plain.
_HARMLESS = re.compile(r"[\w.-]{0,50}", re.ASCII)

# C0, DEL, C1, the other line ends and the signs that reorder text: a name must not start a line of its own or hide one.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def redact_text(text: str) -> str:
    """Take secrets and people out of a text, escape what would break a line, and cap its length."""
    if _HARMLESS.fullmatch(text):
        return text
    if len(text) > _LONGEST_READ:
        # Without the last word, which may be half a secret.
        text = text[:_LONGEST_READ].rpartition(" ")[0] or text[:_LONGEST_READ]
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    text = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact every value of an event (a structlog processor)."""
    for key, value in event.items():
        event[key] = _redact(value)
    return event


def _redact(value: Any) -> Any:
    match value:
        case str():
            return redact_text(value)
        case dict():
            return {key: _redact(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redact(inner) for inner in value]
        case None | bool() | int() | float():
            return value
        case _:
            return redact_text(str(value))
