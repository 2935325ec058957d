"""Reads JSON against a schema as Google's API front end does, with its words for what is wrong.

A field may be spelled in snake_case or in camelCase; what is read comes out in snake_case. All
violations are gathered, as Google reports all of them at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong.

    Args:
        field: Where, as in `message.android.ttl`; empty at the top.
        description: What, in Google's words.
    """

    field: str
    description: str


# Reads one value; what is wrong with it goes to the list.
Reader = Callable[[Any, str, list[Violation]], Any]


def read_text(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a string; numbers and booleans are none."""
    if not isinstance(value, str):
        _complain(violations, path, "TYPE_STRING", value)
    return value


def read_bool(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read true or false."""
    if not isinstance(value, bool):
        _complain(violations, path, "TYPE_BOOL", value)
    return value


def read_int32(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a whole number, which may stand in quotes."""
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    if not is_whole or number not in _INT32:
        _complain(violations, path, "TYPE_INT32", value)
    return number


def read_number(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a number with a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        _complain(violations, path, "TYPE_FLOAT", value)
    return value


def read_duration(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a duration: seconds with an `s` at the end, in a string."""
    name = path.rpartition(".")[2]
    kind = "type.googleapis.com/google.protobuf.Duration"
    if not isinstance(value, str):
        _complain(violations, path, kind, value)
    elif not value.endswith("s"):
        why = f"Field '{name}', Illegal duration format; duration must end with 's'"
        _complain(violations, path, kind, why, verbatim=True)
    elif not _DURATION.fullmatch(value):
        why = f"Field '{name}', Illegal duration format"
        _complain(violations, path, kind, why, verbatim=True)
    return value


def read_timestamp(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a point in time in RFC 3339 notation."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        _complain(violations, path, "type.googleapis.com/google.protobuf.Timestamp", value)
    return value


def read_struct(value: Any, path: str, violations: list[Violation]) -> Any:
    """Read a free-form object."""
    if not isinstance(value, dict):
        _complain(violations, path, "type.googleapis.com/google.protobuf.Struct", value)
    return value


def enum(kind: str, names: Iterable[str]) -> Reader:
    """Make a reader for a name out of a closed set, in capitals or not: FCM's own examples say "high".

    Args:
        kind: The enum's full name.
        names: Its values.
    """
    known = frozenset(names)

    def read(value: Any, path: str, violations: list[Violation]) -> Any:
        name = value.upper() if isinstance(value, str) else ""
        if name not in known:
            _complain(violations, path, f"type.googleapis.com/{kind}", value)
        return name

    return read


def repeated(item: Reader) -> Reader:
    """Make a reader for a list."""

    def read(value: Any, path: str, violations: list[Violation]) -> Any:
        items = value if isinstance(value, list) else [value]
        return [item(each, f"{path}[{index}]", violations) for index, each in enumerate(items)]

    return read


def mapping(item: Reader) -> Reader:
    """Make a reader for an object of which the keys are free."""

    def read(value: Any, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, dict):
            _complain(violations, path, "Map", value)
            return {}
        return {
            key: item(each, f"{path}[{index}].value", violations)
            for index, (key, each) in enumerate(value.items())
        }

    return read


def message(fields: dict[str, Reader]) -> Reader:
    """Make a reader for an object with known fields.

    Args:
        fields: Their names in snake_case.
    """
    spellings = {spelling: name for name in fields for spelling in (name, _camel_case(name))}

    def read(value: Any, path: str, violations: list[Violation]) -> Any:
        if not isinstance(value, dict):
            _complain(violations, path, "Message", value)
            return {}
        known: dict[str, Any] = {}
        for spelling, inner in value.items():
            name = spellings.get(spelling)
            if name is None:
                violations.append(_unknown(spelling, path))
            elif inner is not None:  # null is the same as absent
                known[name] = fields[name](inner, f"{path}.{name}" if path else name, violations)
        return known

    return read


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _unknown(name: str, path: str) -> Violation:
    where = f" at '{path}'" if path else ""
    return Violation(
        path, f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    )


def _complain(
    violations: list[Violation], path: str, kind: str, value: Any, *, verbatim: bool = False
) -> None:
    shown = value if verbatim else json.dumps(value, ensure_ascii=False)
    violations.append(Violation(path, f"Invalid value at '{path}' ({kind}), {shown}"))
